use proptest::prelude::*;

use super::*;

/// What `Wide::read` is to say of field `i`, byte by byte: start, whole number, units of 1e-8.
type Field = (usize, Option<u64>, Option<u64>);

fn number(text: &[u8]) -> Option<u64> {
    let digits = text.len() <= 8 && !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits.then(|| text.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

fn units(text: &[u8]) -> Option<u64> {
    let Some(point) = text.iter().position(|byte| *byte == b'.') else {
        return number(text).map(|whole| whole * 100_000_000);
    };
    let digits = [&text[..point], &text[point + 1..]].concat();
    let units = |digits| text[point + 1..].iter().fold(digits * 100_000_000, |units, _| units / 10);
    (text.len() <= 8).then(|| number(&digits))?.map(units)
}

fn plain(block: &[u8; BLOCK_BYTES], length: usize) -> Vec<Field> {
    let mut fields: Vec<&[u8]> = block[..length].split(|byte| *byte == 0).collect();
    fields.pop();
    let starts = fields.iter().scan(0, |at, field| Some(std::mem::replace(at, *at + field.len() + 1)));
    starts.zip(&fields).map(|(start, field)| (start, number(field), units(field))).take(FIELDS).collect()
}

fn wide(block: &[u8; BLOCK_BYTES], length: usize) -> Option<Vec<Field>> {
    let mut numbers = Numbers::default();
    Wide::detect()?.read(block, length, &mut numbers);
    Some((0..numbers.count()).map(|i| (numbers.start(i), numbers.whole(i), numbers.units(i))).collect())
}

/// A block of fields, most of them numbers, with some bytes changed.
fn block() -> impl Strategy<Value = [u8; BLOCK_BYTES]> {
    let field = prop_oneof!["[0-9]{0,10}", "[0-9]{0,5}\\.[0-9]{0,5}", "[0-9./:-]{0,9}", "[ -~]{0,70}"];
    let spoilt = prop::collection::vec((0..BLOCK_BYTES, prop_oneof![Just(0), Just(b'.'), any::<u8>()]), 0..4);
    (prop::collection::vec(field, BLOCK_BYTES), spoilt).prop_map(|(fields, spoilt)| {
        let bytes: Vec<u8> = fields.iter().flat_map(|field| field.bytes().chain([0])).collect();
        let mut block = *bytes.first_chunk().expect("64 fields have 64 bytes");
        for (at, byte) in spoilt {
            block[at] = byte;
        }
        block
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Where the processor has no such instructions there is nothing to compare, and nothing that uses them.
    #[test]
    fn eight_fields_at_once_are_what_each_is_byte_by_byte(block in block(), length in 1..=BLOCK_BYTES) {
        if let Some(found) = wide(&block, length) {
            prop_assert_eq!(plain(&block, length), found);
        }
    }
}
