//! Borrowed columns in Arrow's memory layout, without Arrow: plain slices and a validity bitmap.
//!
//! A null is "not known". Text is compared as bytes. The three text layouts hold the same values, so a column of one
//! side may differ in layout from that of the other side.

/// A bitmap, least significant bit first, that starts `offset` bits into `bytes`.
#[derive(Debug, Clone, Copy)]
pub struct Bits<'a> {
    bytes: &'a [u8],
    offset: usize,
    len: usize,
}

impl<'a> Bits<'a> {
    /// A view of `len` bits.
    ///
    /// # Panics
    /// When the bytes are too few.
    #[must_use]
    pub fn new(bytes: &'a [u8], offset: usize, len: usize) -> Self {
        assert!((offset + len).div_ceil(8) <= bytes.len(), "a bitmap shorter than its column");
        Self { bytes, offset, len }
    }

    /// The bit of that row.
    ///
    /// # Panics
    /// When there is no such row.
    #[inline]
    #[must_use]
    pub fn get(&self, row: usize) -> bool {
        assert!(row < self.len, "row {row} of a bitmap of {} rows", self.len);
        let at = row + self.offset;
        self.bytes[at >> 3] >> (at & 7) & 1 == 1
    }

    /// Whether no bit is set, and none of the few beside them that share their bytes.
    fn none(&self) -> bool {
        self.bytes[self.offset / 8..(self.offset + self.len).div_ceil(8)].iter().all(|&byte| byte == 0)
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[inline]
fn valid(validity: Option<&Bits<'_>>, row: usize) -> bool {
    validity.is_none_or(|bits| bits.get(row))
}

/// 64-bit integers: ids, counts of 1e-8, UTC nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Ints<'a> {
    values: &'a [i64],
    validity: Option<Bits<'a>>,
    void: bool,
}

impl<'a> Ints<'a> {
    /// A view of these values, of which the bitmap (if any) says which are known.
    ///
    /// # Panics
    /// When the bitmap has another length.
    #[must_use]
    pub fn new(values: &'a [i64], validity: Option<Bits<'a>>) -> Self {
        assert!(validity.is_none_or(|bits| bits.len() == values.len()), "a bitmap of another length");
        Self { values, validity, void: validity.is_some_and(|bits| bits.none()) }
    }

    /// The value of that row, or `None` where it is not known.
    #[inline]
    #[must_use]
    pub fn get(&self, row: usize) -> Option<i64> {
        valid(self.validity.as_ref(), row).then(|| self.values[row])
    }

    /// The values, and which of them are known.
    pub(crate) fn parts(&self) -> (&'a [i64], Option<Bits<'a>>) {
        (self.values, self.validity)
    }

    /// The same values, known where the bits say so, if there are any.
    pub(crate) fn known_where(self, bits: Option<&'a [u8]>) -> Self {
        bits.map_or(self, |bits| Self::new(self.values, Some(Bits::new(bits, 0, self.values.len()))))
    }

    /// The values, where all of them are known.
    pub(crate) fn dense(&self) -> Option<&'a [i64]> {
        self.validity.is_none().then_some(self.values)
    }

    /// Whether no value is known.
    pub(crate) fn is_void(&self) -> bool {
        self.void
    }

    /// Whether that row's value is known.
    #[inline]
    pub(crate) fn is_known(&self, row: usize) -> bool {
        valid(self.validity.as_ref(), row)
    }

    /// The value of that row, where it is known and not 0: an id of IB's.
    #[inline]
    #[must_use]
    pub fn id(&self, row: usize) -> Option<i64> {
        self.get(row).filter(|&id| id != 0)
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// Booleans.
#[derive(Debug, Clone, Copy)]
pub struct Bools<'a> {
    values: Bits<'a>,
    validity: Option<Bits<'a>>,
}

impl<'a> Bools<'a> {
    /// A view of these bits, of which the second bitmap (if any) says which are known.
    ///
    /// # Panics
    /// When the second bitmap has another length.
    #[must_use]
    pub fn new(values: Bits<'a>, validity: Option<Bits<'a>>) -> Self {
        assert!(validity.is_none_or(|bits| bits.len() == values.len()), "a bitmap of another length");
        Self { values, validity }
    }

    /// Whether that row is known to be true.
    #[inline]
    #[must_use]
    pub fn is_true(&self, row: usize) -> bool {
        valid(self.validity.as_ref(), row) && self.values.get(row)
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// Where the bytes of a text column are.
#[derive(Debug, Clone)]
enum Layout<'a> {
    Small { offsets: &'a [i32], bytes: &'a [u8] },
    Large { offsets: &'a [i64], bytes: &'a [u8] },
    Views { views: &'a [u128], buffers: Vec<&'a [u8]> },
}

/// Text.
#[derive(Debug, Clone)]
pub struct Texts<'a> {
    layout: Layout<'a>,
    validity: Option<Bits<'a>>,
    void: bool,
    len: usize,
}

/// One text: in one word where it fits, so that most comparisons are one of integers.
///
/// A word holds the length in its low 32 bits and up to [`SHORT_MAX`] bytes above; unused bytes are 0. Two texts are
/// equal exactly where their `Text`s are, since a text of at most [`SHORT_MAX`] bytes is never `Long`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text<'a> {
    Null,
    Short(u128),
    Long(&'a [u8]),
}

/// The most bytes that an Arrow view holds inline.
const SHORT_MAX: usize = 12;

impl<'a> Texts<'a> {
    /// Arrow's `Utf8`: `offsets` has one more entry than there are rows.
    ///
    /// # Panics
    /// When there is no offset, or the bitmap has another length.
    #[must_use]
    pub fn small(offsets: &'a [i32], bytes: &'a [u8], validity: Option<Bits<'a>>) -> Self {
        Self::new(Layout::Small { offsets, bytes }, validity, rows_of(offsets.len()))
    }

    /// Arrow's `LargeUtf8`: `offsets` has one more entry than there are rows.
    ///
    /// # Panics
    /// When there is no offset, or the bitmap has another length.
    #[must_use]
    pub fn large(offsets: &'a [i64], bytes: &'a [u8], validity: Option<Bits<'a>>) -> Self {
        Self::new(Layout::Large { offsets, bytes }, validity, rows_of(offsets.len()))
    }

    /// Arrow's `Utf8View`.
    ///
    /// # Panics
    /// When the bitmap has another length.
    #[must_use]
    pub fn views(views: &'a [u128], buffers: Vec<&'a [u8]>, validity: Option<Bits<'a>>) -> Self {
        Self::new(Layout::Views { views, buffers }, validity, views.len())
    }

    fn new(layout: Layout<'a>, validity: Option<Bits<'a>>, len: usize) -> Self {
        assert!(validity.is_none_or(|bits| bits.len() == len), "a bitmap of another length");
        Self { layout, validity, void: validity.is_some_and(|bits| bits.none()), len }
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether that row has a text that is not empty.
    #[must_use]
    pub fn is_filled(&self, row: usize) -> bool {
        !matches!(self.get(row), Text::Null | Text::Short(0))
    }

    /// Whether that row's text is known to be this one.
    #[must_use]
    pub fn is(&self, row: usize, text: &str) -> bool {
        self.get(row) == Text::of(text.as_bytes())
    }

    /// Whether that row's text is known.
    #[inline]
    #[must_use]
    pub fn is_known(&self, row: usize) -> bool {
        valid(self.validity.as_ref(), row)
    }

    /// The texts as if all were known, and which of them are.
    pub(crate) fn parts(&self) -> (Self, Option<Bits<'a>>) {
        (Self { validity: None, void: false, ..self.clone() }, self.validity)
    }

    /// The views and what they look into, where the column has views and all of it is known.
    pub(crate) fn dense(&self) -> Option<(&'a [u128], &[&'a [u8]])> {
        match &self.layout {
            Layout::Views { views, buffers } if self.validity.is_none() => Some((views, buffers)),
            _ => None,
        }
    }

    /// Whether a text may be unknown.
    pub(crate) fn has_nulls(&self) -> bool {
        self.validity.is_some()
    }

    /// Whether no text is known.
    pub(crate) fn is_void(&self) -> bool {
        self.void
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call per value costs the loops over columns twice their time")]
    pub(crate) fn get(&self, row: usize) -> Text<'_> {
        if !self.is_known(row) {
            return Text::Null;
        }
        match &self.layout {
            Layout::Views { views, buffers } => of_view(views[row], buffers),
            Layout::Small { offsets, bytes } => Text::of(&bytes[at(offsets[row])..at(offsets[row + 1])]),
            Layout::Large { offsets, bytes } => Text::of(&bytes[at(offsets[row])..at(offsets[row + 1])]),
        }
    }
}

fn rows_of(offsets: usize) -> usize {
    offsets.checked_sub(1).expect("a text column has one offset more than rows")
}

#[inline]
fn at(offset: impl TryInto<usize>) -> usize {
    offset.try_into().ok().expect("offsets of a text column are not negative")
}

/// Whether a view looks into a buffer, and is not the text itself.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the length is the low 32 bits")]
pub(crate) fn is_long(view: u128) -> bool {
    view as u32 as usize > SHORT_MAX
}

/// Reads a view: the low 32 bits are the length, then come the bytes or (prefix, buffer number, offset).
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call per value costs the loops over columns twice their time")]
#[expect(clippy::cast_possible_truncation, reason = "each field of a view is 32 bits wide")]
pub(crate) fn of_view<'a>(view: u128, buffers: &[&'a [u8]]) -> Text<'a> {
    let len = view as u32 as usize;
    if len <= SHORT_MAX {
        // Arrow pads a short text with zeros.
        return Text::Short(view);
    }
    let (buffer, offset) = ((view >> 64) as u32 as usize, (view >> 96) as u32 as usize);
    Text::Long(&buffers[buffer][offset..offset + len])
}

impl<'a> Text<'a> {
    /// The text of these bytes.
    #[inline]
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        if bytes.len() > SHORT_MAX {
            return Self::Long(bytes);
        }
        let mut word = [0_u8; 16];
        word[4..4 + bytes.len()].copy_from_slice(bytes);
        Self::Short(u128::from_le_bytes(word) | bytes.len() as u128)
    }
}
