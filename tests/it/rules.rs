//! Derived fields, filters, routes and maps on a real server: killed under load, every output is what an oracle makes of the events
//! without the product's code, and the audit agrees.

use crate::harness::bed::Bed;
use crate::harness::command;
use crate::harness::dump::each;
use crate::harness::wait::wait_until;
use serde_json::{Value, json};
use sidestream::generate::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const EVENTS: u64 = 6_000;

/// The n-th event of the shop: customers, carts and orders of twenty people, some of them tests, probes or repeated.
fn event(random: &mut Random, n: u64) -> Value {
    let customer = format!("c{}", random.below(20));
    let id = if random.below(20) == 0 { n / 2 } else { n };
    let mut event = match random.index(5) {
        0 => {
            json!({ "type": "customer", "operation": (["update", "probe"][random.index(2)]), "tier": (["gold", "iron"][random.index(2)]) })
        }
        1 => json!({ "type": "cart", "items": random.below(9) }),
        _ => {
            let at = 1_600_000_000 + random.below(100_000_000);
            let country = ["BR", "PT", "FR"][random.index(3)];
            let mut order = json!({ "type": "order", "at": at, "country": country, "amount": random.below(3_000) });
            if random.below(8) == 0 {
                order["source"] = ["test", "shop"][random.index(2)].into();
            }
            order
        }
    };
    event["id"] = json!(id);
    event["customer"] = json!(customer);
    event
}

/// What the shop's outputs are, worked out over trees of values.
#[derive(Default)]
struct Oracle {
    seen: BTreeSet<(String, String, u64)>,
    tiers: BTreeMap<String, Value>,
    carts: BTreeMap<String, Value>,
}

impl Oracle {
    /// The subjects and bodies of an event's messages: its usual output and its bill, if it has them.
    fn messages(&mut self, event: &Value) -> Vec<(String, Value)> {
        let Some(usual) = self.output(event) else { return Vec::new() };
        let bill = (event["type"] == "order" && event["amount"].as_u64().unwrap() > 0).then(|| bill(event, &usual.1));
        std::iter::once(usual).chain(bill.map(|bill| ("bills.new".to_owned(), bill))).collect()
    }

    fn output(&mut self, event: &Value) -> Option<(String, Value)> {
        let [kind, customer] = ["type", "customer"].map(|name| event[name].as_str().unwrap().to_owned());
        if event["source"] == "test" || event["amount"] == 0 {
            return None;
        }
        if !self.seen.insert((kind.clone(), customer.clone(), event["id"].as_u64().unwrap())) {
            return None;
        }
        let mut output = event.clone();
        match kind.as_str() {
            "customer" if event["operation"] != "probe" => drop(self.tiers.insert(customer, event["tier"].clone())),
            "cart" => {
                self.carts.insert(customer, event["items"].clone());
                return None;
            }
            "order" => {
                let time = jiff::Timestamp::from_second(event["at"].as_i64().unwrap()).unwrap();
                output["placed"] = json!(time.to_string());
                let land = BTreeMap::from([("BR", "Brasil"), ("PT", "Portugal")]);
                let country = event["country"].as_str().unwrap();
                output["land"] = json!(land.get(country).unwrap_or(&"other"));
                output["tier"] = self.tiers.get(&customer).cloned().unwrap_or_default();
                output["items"] = self.carts.get(&customer).cloned().unwrap_or_default();
                if event["amount"].as_u64().unwrap() > 1000 && country != "FR" && output["tier"] == "gold" {
                    return Some(("alerts.big_orders".to_owned(), output));
                }
            }
            _ => {}
        }
        Some((format!("orders.{kind}"), output))
    }
}

/// What the department of bills gets of an order whose usual output is known.
fn bill(event: &Value, usual: &Value) -> Value {
    let hundredths = event["amount"].as_u64().unwrap() * 119;
    // Exact decimals keep the fraction's two digits.
    let gross: Value = serde_json::from_str(&format!("{}.{:02}", hundredths / 100, hundredths % 100)).unwrap();
    json!({
        "number": event["id"],
        "customer": { "id": event["customer"], "tier": usual["tier"], "country": usual["land"] },
        "net": event["amount"],
        "gross": gross,
        "date": usual["placed"].as_str().unwrap()[..10],
    })
}

#[test]
fn an_example_with_rules_is_exact_through_kills() {
    let mut bed = Bed::new();
    bed.config = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/orders/config.toml");
    // The bed's own lane has the subjects of dead letters.
    bed.sets.push(("dead_letters.subject", "lost.{reason}"));
    let made = command::run(&bed, &["provision"]);
    assert_eq!(made.code, Some(0), "{} {}", made.out, made.err);
    let (mut random, mut oracle) = (Random::new(3), Oracle::default());
    let mut expected = Vec::new();
    let mut engine = bed.engine("state", &[("engine.checkpoint_interval_ms", "50")]);
    for n in 1..=EVENTS {
        let event = event(&mut random, n);
        bed.wire.publish("shop.events", &[], event.to_string().as_bytes()).unwrap();
        let messages = (0_u64..).zip(oracle.messages(&event));
        expected.extend(messages.map(|(at, (subject, body))| ((n, at), subject, body)));
        if n % 1_500 == 0 {
            bed.wire.flush().unwrap();
            let before = expected.len() as u64 / 2;
            wait_until("some of the outputs", || (bed.last("ORDERS") > before).then_some(()));
            engine.kill();
            engine = bed.engine(
                "state",
                &[("engine.checkpoint_interval_ms", "50"), ("engine.shards", ["1", "3"][random.index(2)])],
            );
        }
    }
    bed.wire.flush().unwrap();
    wait_until("all outputs", || (bed.last("ORDERS") >= expected.len() as u64).then_some(()));
    engine.drain();
    let mut found = Vec::new();
    each(&mut bed.wire, "ORDERS", |_, _, message| {
        let position = message.headers.iter().find(|(name, _)| name == "Sidestream-Position").unwrap().1.clone();
        let mut numbers = position.split(':').skip(1).map(|number| number.parse::<u64>().unwrap());
        let place = (numbers.next().unwrap(), numbers.next().unwrap());
        found.push((place, message.subject.clone(), serde_json::from_slice::<Value>(&message.payload).unwrap()));
        Ok(())
    })
    .unwrap();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
    let alerts = found.iter().filter(|(_, subject, _)| subject == "alerts.big_orders").count();
    assert!(alerts > 100, "{alerts} alerts");
    let bills = found.iter().filter(|(place, subject, _)| subject == "bills.new" && place.1 == 1).count();
    assert!(bills > 1_000, "{bills} bills");
    let audit = command::run(&bed, &["audit", "--complete"]);
    assert_eq!(audit.code, Some(0), "{} {}", audit.out, audit.err);
}
