//! A plan while it is compiled: from selectors to places, from conditions to tests, from names to the numbers of rules.
//!
//! One [`PlanNames`] for the whole plan, one [`Building`] for each kind over it.

use super::compiled::Place;
use super::condition::{Condition, ReadSource, ResolvedCondition, RuleId, place_of};
use super::field_type::FieldTypes;
use super::registers::Registers;
use super::selector::Selector;
use crate::core::derive::compiled::SlotRequests;
use crate::core::expr::Read;
use crate::json::fields::{Fields, ObjectSlot, Slot};
use std::sync::Arc;

/// What all kinds of a plan share.
#[derive(Debug, Default)]
pub(super) struct PlanNames {
    /// What a scan looks for.
    pub fields: Fields,
    /// The names of the rules.
    pub rules: Vec<Arc<str>>,
    /// How many rules of quality there are, kind by kind.
    pub checks: usize,
}

/// Names, and the registers of one kind over what a scan finds.
pub(super) struct Building<'a> {
    /// The plan's.
    pub names: &'a mut PlanNames,
    /// The kind's.
    pub registers: Registers,
    /// What its conditions may rely on.
    pub types: FieldTypes,
}

impl Building<'_> {
    /// Over the scan itself, before an event's registers are those of its kind.
    pub fn of_the_scan(names: &mut PlanNames) -> Building<'_> {
        Building::new(names, Registers::all())
    }

    /// Over these registers, without a declared type.
    pub fn new(names: &mut PlanNames, registers: Registers) -> Building<'_> {
        Building { names, registers, types: FieldTypes::new() }
    }

    pub fn field(&mut self, path: &[String]) -> Slot {
        self.registers.field(&mut self.names.fields, path)
    }

    pub fn objects(&mut self, path: &[String]) -> ObjectSlot {
        self.registers.object(&mut self.names.fields, path)
    }

    pub fn place(&mut self, selector: &Selector) -> Place {
        match selector {
            Selector::Path(names) => Place::Field(self.field(names)),
            Selector::Subject(n) => Place::Subject(*n),
            Selector::Header(name) => Place::Header(name.clone()),
            Selector::Time => Place::Time,
        }
    }

    /// The number of a rule; a name has one number.
    pub fn rule(&mut self, name: &str) -> RuleId {
        let rules = &mut self.names.rules;
        let at = rules.iter().position(|known| **known == *name).unwrap_or_else(|| {
            rules.push(Arc::from(name));
            rules.len() - 1
        });
        RuleId::try_from(at).expect("a plan has fewer rules than that")
    }

    /// The number of the next rule of quality.
    pub fn check(&mut self) -> usize {
        self.names.checks += 1;
        self.names.checks - 1
    }

    /// A condition under the name of its rule; `column` says where a column is.
    pub fn test(
        &mut self,
        condition: &Condition,
        rule: &str,
        mut column: impl FnMut(&mut Building<'_>, &Read) -> ReadSource,
    ) -> ResolvedCondition {
        let rule = self.rule(rule);
        let relying = condition.relying_on(&self.types);
        relying.compile(rule, |read| match read {
            Read::Kind => ReadSource::Kind,
            Read::Key => ReadSource::Key,
            Read::Time => ReadSource::Time,
            Read::StreamTime => ReadSource::StreamTime,
            Read::Position => ReadSource::Position,
            Read::Column { .. } => column(self, read),
            Read::Event(_) | Read::Subject(_) | Read::Header(_) => {
                ReadSource::Place(self.place(&place_of(read).expect("these are in the event")))
            }
        })
    }
}

impl SlotRequests for Building<'_> {
    fn place(&mut self, selector: &Selector) -> Place {
        Building::place(self, selector)
    }

    fn member(&mut self, path: &[String]) -> Slot {
        self.field(path)
    }

    fn object(&mut self, path: &[String]) -> ObjectSlot {
        self.objects(path)
    }

    fn test(&mut self, condition: &Condition, rule: &str) -> ResolvedCondition {
        Building::test(self, condition, rule, |_, _| no_rows())
    }
}

/// Where no rows are joined yet, a condition reads no columns.
pub(super) fn no_rows() -> ReadSource {
    unreachable!("a plan whose conditions read columns before rows are joined is refused")
}
