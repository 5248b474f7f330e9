//! `tieout._core`: the kernel for Python. Conversions only; the work is `tieout-core`'s.
//!
//! Frames come in and go out through Arrow's `PyCapsule` interface, without a copy of the columns.

mod any_columns;
mod bulk_diff;
mod bulk_repeats;
mod columns;
mod differing_fields;
mod door;
mod fingerprint;
mod frames;
mod match_orders;
mod tick_decoder;
mod tick_frame;
mod tick_ring;
mod tick_rows;

use pyo3::prelude::*;

/// The module `tieout._core`; `_core.pyi` documents it.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::bulk_diff::Diff;
    #[pymodule_export]
    use super::bulk_diff::Differ;
    #[pymodule_export]
    use super::bulk_diff::key_parts;
    #[pymodule_export]
    use super::bulk_repeats::Repeats;
    #[pymodule_export]
    use super::differing_fields::differing_fields;
    #[pymodule_export]
    use super::fingerprint::order_fingerprint;
    #[pymodule_export]
    use super::fingerprint::order_fingerprints;
    #[pymodule_export]
    use super::match_orders::match_orders;
    #[pymodule_export]
    use super::tick_decoder::TickDecoder;
    #[pymodule_export]
    use super::tick_ring::TickRing;

    use pyo3::prelude::*;
    use pyo3::types::PyTuple;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("FIELDS", PyTuple::new(module.py(), tieout_core::FIELDS)?)?;
        module.add("FINGERPRINT_TEXTS", PyTuple::new(module.py(), tieout_core::fingerprint::TEXTS)?)?;
        module.add("FINGERPRINT_INTS", PyTuple::new(module.py(), tieout_core::fingerprint::INTS)?)?;
        module.add("FINGERPRINT_BOOLS", PyTuple::new(module.py(), tieout_core::fingerprint::BOOLS)?)?;
        module.add("CANDIDATES_NAMED_MAX", tieout_core::matching::CANDIDATES_NAMED_MAX)
    }
}
