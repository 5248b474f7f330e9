//! The bulk diff's kernel: `cargo bench -p tieout-core --bench bulk`, or each shape once with `-- --test`.
//!
//! Where valgrind is installed, instructions are counted, which no other work on the machine blurs: one call more in a
//! process of its own, over the rows of both sides. Valgrind's processor has no AVX-512, so that the loops of `rust/wide`
//! run with AVX2 there. Otherwise, the shortest time is told.

use std::process::Command;
use std::time::Instant;

use tieout_core::bulk::{Class, Column, Differ, Memory, Request, Values};
use tieout_core::column::Texts;

const SHAPES: [&str; 6] = ["shuffled", "sorted", "half changed", "all equal", "string key", "skew"];
const ROWS: usize = 200_000;
const STATUS: [&str; 4] = ["Filled", "Cancelled", "Submitted", "Inactive"];

/// Owned columns of one side: a key and five fields.
struct Side {
    numbers: [Vec<i64>; 5],
    status: Vec<u128>,
    exec_ids: (Vec<u128>, Vec<u8>),
}

/// A text as Arrow's view, its bytes at that offset if it is long.
fn view(text: &str, offset: usize) -> u128 {
    let mut word = [0_u8; 16];
    let length = |number: usize| u32::try_from(number).expect("a small table").to_le_bytes();
    word[..4].copy_from_slice(&length(text.len()));
    if text.len() <= 12 {
        word[4..4 + text.len()].copy_from_slice(text.as_bytes());
    } else {
        word[4..8].copy_from_slice(&text.as_bytes()[..4]);
        word[12..].copy_from_slice(&length(offset));
    }
    u128::from_le_bytes(word)
}

impl Side {
    /// 0.5 % of its keys are its own; on the right side, 1 % of the rows (or half, or none) differ in one field.
    fn new(rows: usize, right: bool, shape: &str) -> Self {
        let count = i64::try_from(rows).expect("a small table");
        let own = |id: i64| shape != "all equal" && id % 200 == if right { 7 } else { 3 };
        let mut ids: Vec<i64> =
            (0..count).map(|id| if own(id) { id + count * (2 + i64::from(right)) } else { id }).collect();
        let scattered =
            |id: &i64| id.wrapping_add(i64::from(right)).wrapping_mul(0x5851_f42d_4c95_7f2d).rotate_left(31);
        if shape == "sorted" {
            ids.sort_unstable();
        } else {
            ids.sort_by_key(scattered);
        }
        let per_mille = match shape {
            "half changed" => 500,
            "all equal" => 0,
            _ => 10,
        };
        let mut side = Self { numbers: Default::default(), status: Vec::new(), exec_ids: Default::default() };
        for id in ids {
            let spread = (id.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24).cast_signed();
            let quantity = 1 + spread % 500;
            let changed = i64::from(right && spread % 1_000 < per_mille);
            let key = if shape == "skew" && spread % 10 != 0 { 0 } else { id };
            let updated = 1_700_000_000_000_000 + spread % 31_536_000 * 1_000_000 + spread % 999_983;
            let fields = [
                quantity * 100_000_000,
                500_000_000_000 + spread % 4_000 * 25_000_000,
                (quantity - changed) * 100_000_000,
            ];
            let [keys, quantities, prices, filled, times] = &mut side.numbers;
            keys.push(key);
            [quantities, prices, filled].into_iter().zip(fields).for_each(|(column, value)| column.push(value));
            times.push(updated);
            side.status.push(view(STATUS[usize::try_from(spread % 4).expect("one of four")], 0));
            if shape == "string key" {
                let text = format!("{}.{}.01.01", key / 100_000 + 10_000_000, key % 100_000 + 20_000_000);
                let (views, bytes) = &mut side.exec_ids;
                views.push(view(&text, bytes.len()));
                bytes.extend(text.bytes());
            }
        }
        side
    }

    fn columns(&self) -> Vec<Column<'_>> {
        let number = |at: usize| Column::new(Values::I64(&self.numbers[at]), None, (Class::Number, 0));
        let text =
            |views, buffers| Column::new(Values::Text(Texts::views(views, buffers, None)), None, (Class::Text, 0));
        let (views, bytes) = &self.exec_ids;
        let key = if views.is_empty() { number(0) } else { text(views, vec![bytes]) };
        let updated = Column::new(Values::I64(&self.numbers[4]), None, (Class::Instant, 6));
        vec![key, number(1), number(2), number(3), updated, text(&self.status, vec![])]
    }
}

/// So many calls on one thread: the shortest time. Every row must be told.
fn run(shape: &str, rows: usize, calls: usize) -> f64 {
    let sides = [Side::new(rows, false, shape), Side::new(rows, true, shape)];
    let [left, right] = sides.each_ref().map(Side::columns);
    let mut differ = Differ::new(1, Memory::Wide).expect("a thread");
    let request = Request { left: &left, right: &right, keys: 1, tolerances: &[], list_equal: true };
    let mut best = f64::MAX;
    for _ in 0..calls {
        let start = Instant::now();
        let diff = differ.diff(&request).expect("columns of one class");
        best = best.min(start.elapsed().as_secs_f64());
        let pairs = diff.equal_count + diff.changed_count();
        assert_eq!(rows, pairs + diff.left_only.len() + diff.duplicate_left.len());
        assert_eq!(rows, pairs + diff.right_only.len() + diff.duplicate_right.len());
        assert_eq!(usize::from(shape == "skew"), diff.duplicate_keys);
        assert_eq!(shape == "all equal", diff.changed_count() == 0);
    }
    best
}

/// Instructions of a process that makes so many calls; `None` without valgrind.
fn instructions(shape: &str, calls: usize) -> Option<u64> {
    let binary = std::env::current_exe().ok()?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(binary);
    let told =
        valgrind.args(["--calls", &calls.to_string(), shape]).output().ok().filter(|told| told.status.success())?;
    let text = String::from_utf8_lossy(&told.stderr).into_owned();
    text.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

#[expect(clippy::cast_precision_loss, reason = "a figure of three places")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, calls, shape] = arguments.as_slice()
        && flag == "--calls"
    {
        run(shape, ROWS, calls.parse().expect("a number of calls"));
        return;
    }
    if arguments.iter().any(|argument| argument == "--test") {
        for shape in SHAPES {
            run(shape, ROWS / 20, 1);
        }
        return;
    }
    for shape in SHAPES {
        // The second call and the third differ in nothing; the first takes memory.
        match (instructions(shape, 2), instructions(shape, 3)) {
            (Some(two), Some(three)) => {
                println!("bulk diff, {shape}: {:.0} instructions for a row", (three - two) as f64 / (2 * ROWS) as f64);
            }
            _ => println!("bulk diff, {shape}: {:.1} ns for a row", run(shape, ROWS, 20) * 1e9 / (2 * ROWS) as f64),
        }
    }
}
