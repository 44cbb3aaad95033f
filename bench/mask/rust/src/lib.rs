//! Scans a text with the `regex` crate: one pattern of all alternatives.
use regex::bytes::Regex;
use std::cell::RefCell;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static PATTERN: RefCell<Option<Regex>> = const { RefCell::new(None) };
}

/// Room for `length` bytes of input.
#[no_mangle]
pub extern "C" fn room(length: usize) -> *mut u8 {
    INPUT.with(|input| {
        let mut input = input.borrow_mut();
        input.resize(length, 0);
        input.as_mut_ptr()
    })
}

/// Compiles the pattern in the input. 1 if it is taken.
#[no_mangle]
pub extern "C" fn compile() -> i32 {
    INPUT.with(|input| {
        let text = String::from_utf8_lossy(&input.borrow()).into_owned();
        let pattern = Regex::new(&text).ok();
        let taken = pattern.is_some();
        PATTERN.with(|place| *place.borrow_mut() = pattern);
        taken as i32
    })
}

/// Matches in the input, looked for `times` times.
#[no_mangle]
pub extern "C" fn scan(times: i32) -> i32 {
    INPUT.with(|input| {
        PATTERN.with(|pattern| {
            let input = input.borrow();
            let pattern = pattern.borrow();
            let pattern = pattern.as_ref().expect("no pattern");
            (0..times).map(|_| pattern.find_iter(&input).count() as i32).sum()
        })
    })
}
