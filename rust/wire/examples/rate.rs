//! How long a stream in a file takes: `cargo run --release -p tieout-wire --example rate -- FILE [ROUNDS [CASE]]`.
//!
//! Told for records alone, and for columns, by each way, or for one case alone; the least of all rounds.

use std::time::{Duration, Instant};

use tieout_wire::{Columns, Decoder, Sink, Tick, Way};

const CHUNK_BYTES: usize = 64 << 10;

#[derive(Default)]
struct Count(u64);

impl Sink for Count {
    fn ticks(&mut self, ticks: &[Tick]) {
        self.0 = ticks.iter().fold(self.0, |sum, tick| sum.wrapping_add(tick.price.cast_unsigned()));
    }

    fn other(&mut self, _frame: &[u8]) {}
}

fn least(rounds: usize, mut run: impl FnMut() -> u64) -> (Duration, u64) {
    let once = |_| {
        let start = Instant::now();
        let frames = run();
        (start.elapsed(), frames)
    };
    (0..rounds).map(once).min().unwrap_or_default()
}

macro_rules! run {
    ($way:expr, $sink:expr, $stream:expr) => {
        || {
            let mut decoder = Decoder::by($way, 176).expect("a known version");
            for piece in $stream.chunks(CHUNK_BYTES) {
                let mut sink = $sink;
                decoder.feed(piece, 0, &mut sink).expect("a whole stream");
                std::hint::black_box(sink);
            }
            decoder.account().frames
        }
    };
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("a file with a stream");
    let rounds = arguments.next().map_or(50, |text| text.parse().expect("a number of rounds"));
    let asked = arguments.next();
    let stream = std::fs::read(path).expect("a readable file");
    let room = CHUNK_BYTES / 28;
    let cases: [(&str, &dyn Fn() -> u64); 6] = [
        ("records", &run!(Way::best(), Count::default(), stream)),
        ("columns", &run!(Way::best(), Columns::with_capacity(room), stream)),
        ("records, masks", &run!(Way::Masked, Count::default(), stream)),
        ("columns, masks", &run!(Way::Masked, Columns::with_capacity(room), stream)),
        ("records, plain", &run!(Way::Plain, Count::default(), stream)),
        ("columns, plain", &run!(Way::Plain, Columns::with_capacity(room), stream)),
    ];
    for (name, run) in cases.iter().filter(|(name, _)| asked.as_ref().is_none_or(|asked| asked == name)) {
        let (time, frames) = least(rounds, run);
        let frames = u32::try_from(frames).expect("a file of less than 4 billion messages");
        println!("{name}: {:.1} ns a message", time.as_secs_f64() * 1e9 / f64::from(frames));
    }
}
