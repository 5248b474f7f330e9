//! Copies of words that another thread may be writing, on x86-64.
//!
//! To the compiler each copy is relaxed accesses of single bytes, in any order, by code that it does not see into; a
//! plain copy would be undefined behaviour in a race. The machine's moves are no less than that: they change exactly the
//! bytes named, and a load finds of each byte some value that was stored there. x86-64 keeps loads in order with loads
//! and stores with stores, wide ones too, so that the Acquire and Release around a copy order it as they order words.

use std::arch::asm;

/// Words of one step: 64 bytes.
const STEP_WORDS: usize = 8;

/// Copies so many words of 64 bits.
///
/// # Safety
/// Both ranges are valid for so many words and do not overlap; the destination may be written. Either may be changed
/// by another thread meanwhile, by this function or by atomics.
#[inline]
pub(crate) unsafe fn copy(from: *const u64, to: *mut u64, words: usize) {
    let (steps, rest) = (words / STEP_WORDS, words % STEP_WORDS);
    if steps > 0 {
        // SAFETY: the caller's ranges have these steps; the first is made only where the processor has what it needs.
        unsafe {
            if is_x86_feature_detected!("avx512f") { copy_by_64(from, to, steps) } else { copy_by_16(from, to, steps) }
        }
    }
    for word in words - rest..words {
        // SAFETY: the caller's ranges have this word. No flag and no stack is touched.
        unsafe {
            asm!(
                "mov {word}, [{from}]",
                "mov [{to}], {word}",
                from = in(reg) from.add(word),
                to = in(reg) to.add(word),
                word = out(reg) _,
                options(nostack, preserves_flags)
            );
        }
    }
}

/// # Safety
/// As `copy`, for at least one step, and the processor has AVX-512.
#[inline]
unsafe fn copy_by_64(from: *const u64, to: *mut u64, steps: usize) {
    // SAFETY: the caller's. The upper part of the registers is left as other code expects it; no stack is touched.
    unsafe {
        asm!(
            "2:",
            "vmovdqu64 zmm0, [{from}]",
            "vmovdqu64 [{to}], zmm0",
            "add {from}, 64",
            "add {to}, 64",
            "dec {steps}",
            "jnz 2b",
            "vzeroupper",
            from = inout(reg) from => _,
            to = inout(reg) to => _,
            steps = inout(reg) steps => _,
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _, out("xmm5") _, out("xmm6") _,
            out("xmm7") _, out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _, out("xmm12") _,
            out("xmm13") _, out("xmm14") _, out("xmm15") _,
            options(nostack)
        );
    }
}

/// # Safety
/// As `copy`, for at least one step.
#[inline]
unsafe fn copy_by_16(from: *const u64, to: *mut u64, steps: usize) {
    // SAFETY: the caller's. SSE is part of x86-64; no stack is touched.
    unsafe {
        asm!(
            "2:",
            "movups {a}, [{from}]",
            "movups {b}, [{from} + 16]",
            "movups {c}, [{from} + 32]",
            "movups {d}, [{from} + 48]",
            "movups [{to}], {a}",
            "movups [{to} + 16], {b}",
            "movups [{to} + 32], {c}",
            "movups [{to} + 48], {d}",
            "add {from}, 64",
            "add {to}, 64",
            "dec {steps}",
            "jnz 2b",
            from = inout(reg) from => _,
            to = inout(reg) to => _,
            steps = inout(reg) steps => _,
            a = out(xmm_reg) _,
            b = out(xmm_reg) _,
            c = out(xmm_reg) _,
            d = out(xmm_reg) _,
            options(nostack)
        );
    }
}
