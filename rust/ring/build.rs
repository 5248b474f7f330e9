//! Chooses how words are copied: by wide moves where they are known, unless a tool is to see each word.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(wide_words)");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found.split(',').any(|one| one == value));
    let watched = ["CARGO_CFG_LOOM", "CARGO_CFG_MIRI", "CARGO_CFG_PLAIN_WORDS"]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
        || is("CARGO_CFG_SANITIZE", "thread");
    if is("CARGO_CFG_TARGET_ARCH", "x86_64") && !watched {
        println!("cargo::rustc-cfg=wide_words");
    }
}
