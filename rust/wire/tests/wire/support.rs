//! Streams for tests: well-formed messages of every kind, and bytes that someone has spoilt.

use proptest::prelude::*;
use tieout_wire::{Sink, Tick};

/// Keeps all that comes.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Heard {
    pub(crate) ticks: Vec<Tick>,
    pub(crate) others: Vec<Vec<u8>>,
}

impl Sink for Heard {
    fn ticks(&mut self, ticks: &[Tick]) {
        self.ticks.extend_from_slice(ticks);
    }

    fn other(&mut self, frame: &[u8]) {
        self.others.push(frame.to_vec());
    }
}

/// A frame of these fields.
pub(crate) fn frame(fields: &[&str]) -> Vec<u8> {
    let body: Vec<u8> = fields.iter().flat_map(|field| field.bytes().chain([0])).collect();
    raw(&body)
}

/// A frame of this body.
pub(crate) fn raw(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("a short body");
    [&length.to_be_bytes(), body].concat()
}

/// Numbers as TWS writes them, and as nobody should.
pub(crate) fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "-?[0-9]{1,5}\\.[0-9]{1,4}",
        2 => "[0-9]{1,9}",
        1 => "-?[0-9]{0,20}\\.?[0-9]{0,20}",
        1 => "[+-]?[0-9]{1,3}(\\.[0-9]{0,9})?[eE][+-]?[0-9]{1,3}",
        1 => any::<f64>().prop_map(|value| value.to_string()),
        1 => prop::sample::select(vec![
            "", "nan", "NaN", "inf", "-Infinity", "1.7976931348623157E308", "2147483647", "9223372036854775807", "-1",
            "-2", "-1.0", "-2.0", "0", "-0.0", ".5", "5.", ".", "-", "+", "1.2.3", " 1", "1_0", "0x1", "99999999.99999999",
            "100000000", "92233720368.54775807", "92233720368.54775808", "-92233720368.54775808", "1/2", "1:2",
        ])
        .prop_map(str::to_owned),
    ]
}

/// A message's fields: of every tick message, with values of all kinds.
pub(crate) fn fields() -> impl Strategy<Value = Vec<String>> {
    let id = prop_oneof![4 => "[0-9]{1,4}", 1 => number()];
    let text = prop_oneof!["[A-Z]{0,9}", "[ A-Z]{0,40}", Just("701.28;1;1348075471534;67854;701.46;true".to_owned())];
    let kind = prop_oneof![0..3_u8, 0..128_u8];
    let shape = prop::sample::select(vec![
        "1vitnna",
        "2vitn",
        "12vipdsnn",
        "13viptdsnna",
        "21itannnnnnnn",
        "45vitn",
        "46vity",
        "47vitnynpynn",
        "50vipnnnnnnp",
        "96i1panna",
        "97i2pannnnpannnna",
        "98i1pannyya",
        "99i1pnnayy",
        "99i3pnnnna",
        "99i4pn",
        "4vitnn",
        "",
    ]);
    (shape, kind, prop::collection::vec((id, number(), text), 16)).prop_map(|(shape, kind, values)| {
        let digits = shape.len() - shape.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let id = if digits == 0 { kind.to_string() } else { shape[..digits].to_owned() };
        let rest = shape[digits..].chars().zip(values).map(|(letter, (id, number, text))| match letter {
            'i' | 'p' => id,
            'n' => number,
            'y' => text,
            't' => (number.len() % 90).to_string(),
            'd' => (number.len() % 3).to_string(),
            's' | 'a' => (number.len() % 2).to_string(),
            digit => digit.to_string(),
        });
        std::iter::once(id).chain(rest).collect()
    })
}

/// A stream of frames, some of which are not what they should be.
pub(crate) fn stream() -> impl Strategy<Value = Vec<u8>> {
    let whole = fields().prop_map(|fields| {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        frame(&fields)
    });
    let spoilt =
        (fields(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>()).prop_map(|(fields, at, byte, cut)| {
            let mut body: Vec<u8> = fields.iter().flat_map(|field| field.bytes().chain([0])).collect();
            if !body.is_empty() {
                let at = at.index(body.len());
                if cut { body.truncate(at) } else { body[at] = byte }
            }
            raw(&body)
        });
    let noise = prop::collection::vec(any::<u8>(), 0..80).prop_map(|body| raw(&body));
    let one = prop_oneof![6 => whole, 3 => spoilt, 1 => noise];
    prop::collection::vec(one, 0..6).prop_map(|frames| frames.concat())
}
