use super::*;

fn out_and_in<const N: usize>() {
    let slots: Vec<Words<N>> = std::iter::repeat_with(Words::new).take(30).collect();
    for count in 0..=slots.len() {
        let records: Vec<Record<N>> =
            (0..count).map(|row| std::array::from_fn(|word| (row * N + word) as u64)).collect();
        let mut found = vec![[u64::MAX; N]; count + 1];
        write_all(&slots[..count], &records);
        read_all(&slots[..count], &mut found[..count]);
        assert_eq!(records, found[..count]);
        assert_eq!([u64::MAX; N], found[count], "written beyond the end");
        assert!(records.iter().zip(&slots).all(|(record, slot)| slot.read() == *record));
    }
}

#[test]
fn a_batch_comes_out_as_it_went_in_whatever_its_width() {
    out_and_in::<1>();
    out_and_in::<2>();
    out_and_in::<8>();
    out_and_in::<11>();
    out_and_in::<16>();
}
