//! Copies that leave the cache alone.

/// 64-bit words of a cache line.
pub const LINE_WORDS: usize = 8;

/// Copies whole cache lines, around the cache where the target can and `to` starts on a multiple of 16 bytes.
///
/// [`fence`] must follow before another thread reads them; one that waits for this thread's end has that by then.
///
/// # Panics
/// When the lengths differ or are no multiple of [`LINE_WORDS`].
#[inline]
#[cfg_attr(target_arch = "x86_64", expect(clippy::cast_ptr_alignment, reason = "checked, or not needed"))]
pub fn stream(to: &mut [u64], from: &[u64]) {
    assert!(to.len() == from.len() && to.len().is_multiple_of(LINE_WORDS), "copies are of whole lines");
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if to.as_ptr().addr().is_multiple_of(16) {
        use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_stream_si128};
        for at in (0..to.len()).step_by(2) {
            // SAFETY: both slices have the words `at` and `at + 1`, since their common length is a multiple of 8; the
            // load needs no alignment, and the store has its 16 bytes by the check above. SSE2 is part of x86_64.
            unsafe {
                let words = _mm_loadu_si128(from.as_ptr().add(at).cast::<__m128i>());
                _mm_stream_si128(to.as_mut_ptr().add(at).cast::<__m128i>(), words);
            }
        }
        return;
    }
    to.copy_from_slice(from);
}

/// Makes what [`stream`] wrote visible before anything that this thread writes afterwards.
#[inline]
pub fn fence() {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: SSE is part of x86_64, and the instruction touches no memory of ours.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

/// Asks for the cache lines of these values, which will be read soon.
#[inline]
#[cfg_attr(not(all(target_arch = "x86_64", not(miri))), expect(unused_variables, reason = "nothing to ask there"))]
pub fn prefetch<T>(values: &[T]) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let start = values.as_ptr().cast::<i8>();
        for line in (0..size_of_val(values)).step_by(8 * LINE_WORDS) {
            // SAFETY: asking for memory reads nothing and cannot fail, and the address is within the values.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.add(line)) };
        }
    }
}
