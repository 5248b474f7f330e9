//! The primitives: the standard library's, or loom's when the interleavings are searched.

#[cfg(loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic::AtomicU64};
#[cfg(not(loom))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic::AtomicU64};

pub(crate) use std::sync::{Arc, atomic::Ordering};

/// A value that shares its cache lines with nothing else.
///
/// 128 bytes, because x86-64 prefetches lines in pairs and some ARM cores have lines of 128.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Line<T>(pub(crate) T);
