//! What all ends of a lock-free ring share.

use crate::account::{Account, Books};
use crate::ends::Ends;
use crate::error::RingError;
use crate::losses::Losses;
use crate::settings::{Settings, WhenFull};
use crate::slots::Slots;
use crate::sync::Arc;

/// The positions and the records.
#[derive(Debug)]
pub(crate) struct Shared<const N: usize> {
    pub(crate) ends: Ends,
    pub(crate) slots: Slots<N>,
}

impl<const N: usize> Shared<N> {
    /// An empty ring, if the settings are in their range and there is memory.
    pub(crate) fn new(settings: Settings, when_full: WhenFull) -> Result<Arc<Self>, RingError> {
        let settings = settings.check(when_full)?;
        Ok(Arc::new(Self {
            slots: Slots::new(settings.capacity)?,
            ends: Ends::new(settings, when_full.is_contested())?,
        }))
    }
}

impl<const N: usize> Books for Shared<N> {
    fn account(&self) -> Account {
        self.ends.account()
    }

    fn losses(&self) -> &Losses {
        &self.ends.losses.0
    }
}
