//! Memory that is kept between calls, and how records get into it.

use tieout_wide::Pages;

/// How memory is taken and written. Both give the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Memory {
    /// Huge pages, and records written around the cache.
    #[default]
    Wide,
    /// The usual allocator and ordinary stores.
    Plain,
}

impl Memory {
    /// Memory of at least so many words: the one at hand where it is large enough, new otherwise.
    pub(crate) fn at_least(self, words: usize, old: &mut Option<Pages>) -> Pages {
        if let Some(old) = old.take()
            && old.len() >= words
        {
            return old;
        }
        match self {
            Self::Wide => Pages::new(words),
            Self::Plain => Pages::plain(words),
        }
    }

    #[inline]
    pub(crate) fn write(self, to: &mut [u64], from: &[u64]) {
        match self {
            Self::Wide => tieout_wide::stream(to, from),
            Self::Plain => to.copy_from_slice(from),
        }
    }

    /// Asks for huge pages for a list that is still to be filled.
    pub(crate) fn prepare(self, list: &mut [u32]) {
        if self == Self::Wide {
            tieout_wide::huge(list);
        }
    }

    pub(crate) fn finish(self) {
        if self == Self::Wide {
            tieout_wide::fence();
        }
    }
}
