//! Time passes as it is told, and identities are fresh.

use crate::Clock;
use std::collections::BTreeSet;

/// A sleep lasts at least as long as it was told, by the monotonic clock and by the wall.
pub async fn a_sleep_lasts_as_long_as_it_was_told(clock: impl Clock) {
    for duration_ms in [0, 1, 30] {
        let (began_ms, began) = (clock.monotonic_ms(), clock.now());
        clock.sleep(duration_ms).await;
        assert!(clock.monotonic_ms() - began_ms >= duration_ms);
        // A wall clock may be set while this runs, so only a clear lag counts.
        assert!(clock.now().plus(1_000) >= began.plus(duration_ms));
    }
}

/// Later readings are never smaller.
pub async fn the_monotonic_clock_never_goes_back(clock: impl Clock) {
    let mut last_ms = clock.monotonic_ms();
    for _ in 0..5 {
        clock.sleep(2).await;
        let now_ms = clock.monotonic_ms();
        assert!(now_ms > last_ms, "{now_ms} after {last_ms}");
        last_ms = now_ms;
    }
}

/// Ten thousand draws all differ, and no byte of them stands still.
pub async fn fresh_bytes_are_never_seen_twice(clock: impl Clock) {
    let draws: BTreeSet<[u8; 16]> = (0..10_000).map(|_| clock.fresh()).collect();
    assert_eq!(draws.len(), 10_000);
    for place in 0..16 {
        let bytes: BTreeSet<u8> = draws.iter().map(|draw| draw[place]).collect();
        assert_eq!(bytes.len(), 256, "byte {place}");
    }
}
