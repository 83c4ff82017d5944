//! scratch
use lattice_model_check::model::*; use lattice_model_check::programs; use lattice_model_check::world::Faults;
use stateright::{Checker, Model};
use lattice_ir::JoinPolicy; use lattice_model::Guards;
fn main() {
    let a: Vec<u8> = std::env::args().skip(2).map(|x| x.parse().unwrap()).collect();
    let name = std::env::args().nth(1).unwrap();
    let program = match name.as_str() { "one" => programs::calls(1), "two" => programs::calls(2), "ask" => programs::question(),
      "all2" => programs::fan(2, JoinPolicy::All), "any2" => programs::fan(2, JoinPolicy::Quorum{needed:1}), "ff2" => programs::fan(2, JoinPolicy::FailFast),
      "all3" => programs::fan(3, JoinPolicy::All), "any3" => programs::fan(3, JoinPolicy::Quorum{needed:1}),
      "all4" => programs::fan(4, JoinPolicy::All), "any4" => programs::fan(4, JoinPolicy::Quorum{needed:1}), _ => panic!() };
    let asks: &'static [Ask] = match a[5] { 0 => &[], 1 => &[Ask::Cancel], 2 => &[Ask::Answer], 3 => &[Ask::Answer, Ask::Cancel], _ => &[Ask::OldAnswer] };
    let bounds = Bounds { workers: a[0], faults: Faults { deaths: a[1], copies: a[2], lost_answers: a[3], refusals: a[4] }, asks, chain: a[6] as usize, holes: false };
    let t = std::time::Instant::now();
    let model = RunModel::new(program, bounds, Guards::ALL).unwrap();
    let c = model.checker().threads(2).finish_when(stateright::HasDiscoveries::AnyFailures).target_state_count(30_000_000).spawn_bfs().join();
    println!("{name} {a:?}: unique {} generated {} depth {} {:.1}s", c.unique_state_count(), c.state_count(), c.max_depth(), t.elapsed().as_secs_f32());
    for (n, p) in c.discoveries() {
        let bad = c.model().properties().iter().any(|q| q.name == n && q.expectation == stateright::Expectation::Always);
        if bad { println!("BROKEN {n}"); for (s, act) in p.into_vec() { println!("  {act:?}   [seq {:?} msgs {:?}]", s.log.head().map(|h| h.tail.last()), s.messages); } } else { println!("  seen: {n}"); }
    }
}
