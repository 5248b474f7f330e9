//! Both kinds of memory and both kinds of copies give the same answer. Runs under Miri too.

use tieout_wide::{LINE_WORDS, Pages, fence, huge, prefetch, stream};

#[test]
fn pages_start_as_zeros_and_keep_what_is_written() {
    // The last is large enough to be mapped.
    for words in [0, 1, 7, 4096, if cfg!(miri) { 5000 } else { 1 << 20 }] {
        for mut pages in [Pages::new(words), Pages::plain(words)] {
            assert_eq!(words, pages.len());
            assert!(pages.iter().all(|&word| word == 0));
            for (at, word) in pages.iter_mut().enumerate() {
                *word = at as u64;
            }
            assert!(pages.iter().enumerate().all(|(at, &word)| word == at as u64));
        }
    }
}

#[test]
fn pages_start_on_a_cache_line() {
    for words in [1, 100, 1 << 20] {
        assert_eq!(0, Pages::new(words).as_ptr().addr() % 64);
        assert_eq!(0, Pages::plain(words).as_ptr().addr() % 64);
    }
}

#[test]
fn pages_move_between_threads() {
    let mut pages = Pages::new(64);
    let pages = std::thread::spawn(move || {
        stream(&mut pages[..8], &[7; 8]);
        fence();
        pages
    });
    let pages = pages.join().expect("no panic");
    assert_eq!([7; 8], pages[..8]);
    assert_eq!([0; 8], pages[8..16]);
}

#[test]
fn a_streamed_copy_is_a_copy_at_every_alignment() {
    let from: Vec<u64> = (100..100 + 64).collect();
    for start in 0..4 {
        for lines in 0..4 {
            let (mut streamed, mut copied) = (Pages::new(64), Pages::plain(64));
            let range = start..start + lines * LINE_WORDS;
            stream(&mut streamed[range.clone()], &from[..range.len()]);
            fence();
            copied[range.clone()].copy_from_slice(&from[..range.len()]);
            assert_eq!(copied[..], streamed[..]);
        }
    }
}

#[test]
#[should_panic(expected = "whole lines")]
fn half_a_line_is_refused() {
    stream(&mut [0; 4], &[0; 4]);
}

#[test]
fn advice_changes_nothing() {
    for count in [0, 1, 1000, if cfg!(miri) { 5000 } else { 3 << 20 }] {
        let mut list = vec![0_u32; count];
        huge(&mut list);
        assert!(list.iter().all(|&number| number == 0));
        list.iter_mut().zip(0..).for_each(|(number, at)| *number = at);
        huge(&mut list);
        prefetch(&list);
        assert!(list.iter().zip(0..).all(|(&number, at)| number == at));
    }
}
