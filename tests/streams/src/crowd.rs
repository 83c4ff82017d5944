//! The subscribers: each comes at its time, loses its connections, and reads on.

use crate::plan::{Comes, Plan};
use lattice_client::Server;
use lattice_model::RunId;
use lattice_served::{Random, Read, Reader};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

/// What all of them share.
#[derive(Debug, Clone)]
pub struct Place {
    /// The server.
    pub server: Server,
    /// The run.
    pub run: RunId,
    /// When whoever is not done is given up.
    pub deadline: Instant,
    /// How far the run has come.
    pub reached: Arc<watch::Sender<u64>>,
}

/// Lets them all come.
pub fn gather(plan: &Plan, place: &Place) -> JoinSet<Read> {
    let mut crowd = JoinSet::new();
    let mut random = Random::new(plan.seed);
    for number in 0..plan.subscribers {
        let (comes, reader) = plan.subscriber(number, &mut random);
        crowd.spawn(subscriber(place.clone(), number, comes, reader));
    }
    crowd
}

async fn subscriber(place: Place, number: usize, comes: Comes, reader: Reader) -> Read {
    let from = reader.from;
    // One of them says how far the run has come.
    let says = number == 0;
    let work = async {
        match comes {
            Comes::First => {}
            Comes::Late(wait) => sleep(wait).await,
            Comes::Middle => {
                let mut reached = place.reached.subscribe();
                // INVARIANT: the sender lives in `place`.
                let _ = reached.wait_for(|reached| *reached >= from).await;
            }
        }
        let heard = |event: &lattice_client::RawEvent| {
            if says {
                place.reached.send_replace(event.seq.get());
            }
        };
        reader.read(&place.server, &place.run, heard).await
    };
    timeout_at(place.deadline, work)
        .await
        .unwrap_or_else(|_| given_up(from))
}

/// One that did not come to the end in time. What it saw until then is gone with it.
pub fn given_up(from: u64) -> Read {
    Read {
        from,
        failed: Some("not done in time".to_owned()),
        ..Read::default()
    }
}
