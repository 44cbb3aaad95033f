// Filters of the bench in Rust, on the SDK that most such filters are written with: one that does nothing, and with the
// feature `chain` one that does what FIM's chain does.
#[cfg(feature = "chain")]
mod chain;
#[cfg(not(feature = "chain"))]
mod empty;
