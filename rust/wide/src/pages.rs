//! Words of memory, zeroed at first, on huge pages where the system gives them.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// Memory starts on a cache line.
const ALIGNMENT: usize = 64;

/// An owned slice of words, aligned to a cache line.
///
/// Invariants: `start` is valid for reads and writes of `words` words, all of them initialised, and belongs to this
/// value alone; `mapped` tells which of the two allocators it came from, with exactly `words * 8` bytes.
#[derive(Debug)]
pub struct Pages {
    start: NonNull<u64>,
    words: usize,
    mapped: bool,
}

// SAFETY: the memory belongs to this value alone, and words may be read and written on any thread.
unsafe impl Send for Pages {}
// SAFETY: a shared reference only reads.
unsafe impl Sync for Pages {}

impl Pages {
    /// So many zeros, on huge pages if the system is willing.
    #[must_use]
    pub fn new(words: usize) -> Self {
        mapped(words).unwrap_or_else(|| Self::plain(words))
    }

    /// So many zeros from the usual allocator.
    ///
    /// # Panics
    /// When that is more than an address space.
    #[must_use]
    pub fn plain(words: usize) -> Self {
        if words == 0 {
            return Self { start: NonNull::dangling(), words: 0, mapped: false };
        }
        let layout = layout(words);
        // SAFETY: the layout is not of size 0.
        let start = unsafe { alloc_zeroed(layout) };
        let Some(start) = NonNull::new(start.cast()) else { handle_alloc_error(layout) };
        Self { start, words, mapped: false }
    }
}

fn layout(words: usize) -> Layout {
    let bytes = words.checked_mul(size_of::<u64>()).expect("memory fits an address space");
    Layout::from_size_align(bytes, ALIGNMENT).expect("memory fits an address space")
}

#[cfg(all(unix, not(miri)))]
fn mapped(words: usize) -> Option<Pages> {
    /// Smaller pieces gain nothing from huge pages.
    const BYTES_MIN: usize = 4 << 20;
    let bytes = words.checked_mul(size_of::<u64>()).filter(|&bytes| bytes >= BYTES_MIN)?;
    // SAFETY: a new private mapping that no file backs, at a place of the system's choice.
    let start = unsafe {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        libc::mmap(std::ptr::null_mut(), bytes, access, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)
    };
    if start == libc::MAP_FAILED {
        return None;
    }
    #[cfg(target_os = "linux")]
    // SAFETY: the range is the mapping just made. A refusal changes nothing but the pages' size, so it is not looked at.
    unsafe {
        libc::madvise(start, bytes, libc::MADV_HUGEPAGE);
    }
    Some(Pages { start: NonNull::new(start.cast())?, words, mapped: true })
}

#[cfg(not(all(unix, not(miri))))]
fn mapped(_words: usize) -> Option<Pages> {
    None
}

/// Asks for huge pages under memory that nothing was written to yet, such as that of a long `vec![0; n]`: what is then
/// written there takes far fewer page faults. Nothing else changes, and short memory is left alone.
#[cfg_attr(not(all(target_os = "linux", not(miri))), expect(unused_variables, reason = "nothing to ask there"))]
pub fn huge<T: Copy>(memory: &mut [T]) {
    #[cfg(all(target_os = "linux", not(miri)))]
    {
        /// A huge page.
        const PAGE: usize = 2 << 20;
        let (start, bytes) = (memory.as_mut_ptr().addr(), size_of_val(memory));
        let (from, to) = (start.next_multiple_of(PAGE), (start + bytes) / PAGE * PAGE);
        if from < to {
            let place = memory.as_mut_ptr().cast::<u8>().wrapping_add(from - start);
            // SAFETY: the range is whole pages within the memory at hand, and the advice changes no byte of it. A refusal
            // changes nothing but the pages' size, so it is not looked at.
            unsafe {
                libc::madvise(place.cast(), to - from, libc::MADV_HUGEPAGE);
            }
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if self.words == 0 {
            return;
        }
        let bytes = self.words * size_of::<u64>();
        #[cfg(all(unix, not(miri)))]
        if self.mapped {
            // SAFETY: by the invariant this is a whole mapping of ours. It cannot fail for one.
            unsafe { libc::munmap(self.start.as_ptr().cast(), bytes) };
            return;
        }
        debug_assert!(!self.mapped && bytes > 0, "only a mapping is unmapped");
        // SAFETY: by the invariant the allocator gave it out with this layout.
        unsafe { dealloc(self.start.as_ptr().cast(), layout(self.words)) };
    }
}

impl Deref for Pages {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        // SAFETY: by the invariant; a dangling pointer is fine for no words.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.words) }
    }
}

impl DerefMut for Pages {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u64] {
        // SAFETY: as above, and `&mut self` makes it the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.words) }
    }
}
