//! Whether a webhook is what it says it is: signatures, freshness, payloads. No clock, no IO.
