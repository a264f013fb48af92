//! Where the lane's outputs come from: what their headers say of position, plan and origin.

use super::dump::each;
use super::streams::OUTPUT;
use super::wire::Wire;

/// What one output says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub position: u64,
    pub plan: String,
    pub origin: u64,
    pub since: u64,
    pub payload: String,
}

/// Every output of the lane, which must have no gaps.
pub fn origins(wire: &mut Wire) -> Vec<Origin> {
    let mut all = Vec::new();
    let read = each(wire, OUTPUT, |_, _, message| {
        let header = |wanted: &str| {
            let found = message.headers.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.split(':').map(str::to_owned).collect::<Vec<_>>()).unwrap()
        };
        let (position, run) = (header("Sidestream-Position"), header("Sidestream-Run"));
        all.push(Origin {
            position: position[1].parse().unwrap(),
            plan: run[1].clone(),
            origin: run[2].parse().unwrap(),
            since: run[3].parse().unwrap(),
            payload: String::from_utf8_lossy(&message.payload).into_owned(),
        });
        Ok(())
    });
    read.unwrap();
    all
}

/// The stretches of the lane under one plan: the plan, its first position by the header, and the outputs under it.
pub fn plans(wire: &mut Wire) -> Vec<(String, u64, usize)> {
    let mut plans: Vec<(String, u64, usize)> = Vec::new();
    for output in origins(wire) {
        match plans.last_mut() {
            Some((plan, since, count)) if (&*plan, *since) == (&output.plan, output.since) => *count += 1,
            _ => {
                assert!(output.since <= output.position, "{output:?}");
                plans.push((output.plan, output.since, 1));
            }
        }
    }
    plans
}
