//! The goals as ratios, for a machine that others use as well: short slices of every lane in turn, many rounds, and of
//! each lane the quickest slice. `cargo bench -p tieout-ring --bench ratios`; `TIEOUT_RING_ROUNDS=400` for quieter
//! figures.

mod lanes;
mod loops;

use std::hint::black_box;
use std::time::{Duration, Instant};

use lanes::{Push, Take};
use loops::{Across, BATCH, record};
use tieout_ring::WhenFull;
use tieout_ring::tick::TickRecord;

const SLICE: u32 = 262_144;
const OLDEST: WhenFull = WhenFull::DropOldest { batch: 64 };

type Slice = Box<dyn FnMut() -> Duration>;

/// One producer's thread and one consumer's are this thread: push, then take, around the whole ring.
fn alone<P: Push, T: Take>((mut producer, mut consumer): (P, T), single: bool) -> Slice {
    let (records, mut taken) = ([record(7); BATCH], [record(0); BATCH]);
    Box::new(move || {
        let start = Instant::now();
        if single {
            for number in 0..u64::from(SLICE) {
                producer.push(black_box(record(number)));
                black_box(consumer.pop());
            }
        } else {
            for _ in 0..u64::from(SLICE) / BATCH as u64 {
                producer.push_batch(black_box(&records));
                black_box(consumer.pop_batch(black_box(&mut taken)));
            }
        }
        start.elapsed()
    })
}

fn between<P: Push, T: Take>(ends: (P, T), single: bool) -> Slice {
    let mut across = if single { Across::new::<P, true>(ends) } else { Across::new::<P, false>(ends) };
    let look = |taken: &TickRecord| _ = black_box(taken);
    Box::new(move || {
        if single { across.run::<true>(u64::from(SLICE), look) } else { across.run::<false>(u64::from(SLICE), look) }
    })
}

fn flood(mut push: impl FnMut(u64) + 'static) -> Slice {
    Box::new(move || {
        let start = Instant::now();
        (0..u64::from(SLICE)).for_each(&mut push);
        start.elapsed()
    })
}

/// The first lane is the one that the others are measured by.
fn compare(title: &str, rounds: usize, mut lanes: Vec<(&str, Slice)>) {
    let mut quickest = vec![Duration::MAX; lanes.len()];
    for _ in 0..rounds {
        for ((_, slice), quickest) in lanes.iter_mut().zip(&mut quickest) {
            *quickest = slice().min(*quickest);
        }
    }
    let line: Vec<String> = lanes
        .iter()
        .zip(&quickest)
        .map(|((name, _), time)| {
            let ratio = time.as_secs_f64() / quickest[0].as_secs_f64();
            format!("{name} {ratio:.2} ({:.1} ns)", time.as_secs_f64() * 1e9 / f64::from(SLICE))
        })
        .collect();
    println!("{title}: {}", line.join(", "));
}

fn main() {
    let testing = std::env::args().any(|argument| argument == "--test");
    let asked = std::env::var("TIEOUT_RING_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let rounds = if testing { 1 } else { asked.unwrap_or(40) };
    for slots in [1 << 10, 1 << 16] {
        let newest = move || lanes::spsc(slots, WhenFull::DropNewest);
        let oldest = move || lanes::spsc(slots, OLDEST);
        let peer = move || rtrb::RingBuffer::new(slots);
        for (word, single) in [("single", true), ("batches of 64", false)] {
            let alone = vec![
                ("rtrb", alone(peer(), single)),
                ("drop_newest", alone(newest(), single)),
                ("drop_oldest", alone(oldest(), single)),
                ("ArrayQueue", alone(lanes::array_queue(slots), single)),
                ("mpsc", alone(lanes::mpsc(slots, WhenFull::DropNewest), single)),
            ];
            compare(&format!("one thread, {slots} slots, {word}"), rounds, alone);
            let between = vec![
                ("rtrb", between(peer(), single)),
                ("drop_newest", between(newest(), single)),
                ("drop_oldest", between(oldest(), single)),
                ("ArrayQueue", between(lanes::array_queue(slots), single)),
                ("mpsc", between(lanes::mpsc(slots, WhenFull::DropNewest), single)),
            ];
            compare(&format!("two threads, {slots} slots, {word}"), rounds, between);
        }
        let queue = crossbeam_queue::ArrayQueue::new(slots);
        let ((mut spsc, _end), (mut mpsc, _other_end)) = (oldest(), lanes::mpsc(slots, OLDEST));
        let full = vec![
            ("force_push", flood(move |number| _ = black_box(queue.force_push(black_box(record(number)))))),
            ("spsc by 64", flood(move |number| _ = black_box(spsc.push(&black_box(record(number)))))),
            ("mpsc by 64", flood(move |number| _ = black_box(mpsc.push(&black_box(record(number)))))),
        ];
        compare(&format!("onto a full ring, {slots} slots"), rounds, full);
    }
}
