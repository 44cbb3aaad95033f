//! Drives RustCrypto. Protocol: see ../../peer.ts.
use aes_gcm::{aead::AeadInPlace, Aes256Gcm, AesGcm, KeyInit, Nonce};
use ctr::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit, StreamCipher};
use sha2::{Digest, Sha256};
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

fn pattern(n: usize, f: impl Fn(usize) -> usize) -> Vec<u8> {
    (0..n).map(|i| f(i) as u8).collect()
}

type Run = Box<dyn FnMut() -> Vec<u8>>;

/// A closure that runs an operation once, on `data` in place, and gives its output only when asked.
fn prepare(op: &str, size: usize, want: bool) -> Run {
    let key = pattern(32, |i| i);
    let iv = pattern(16, |i| 16 + i);
    let mut data = pattern(size, |i| 7 * i + 3);
    let give = move |bytes: &[u8], tail: &[u8]| if want { [bytes, tail].concat() } else { Vec::new() };
    match op {
        "sm4-ctr" => Box::new(move || {
            ctr::Ctr128BE::<sm4::Sm4>::new(key[..16].into(), iv[..].into()).apply_keystream(&mut data);
            give(&data, &[])
        }),
        "sm4-cbc-encrypt" => Box::new(move || {
            let mut cipher = cbc::Encryptor::<sm4::Sm4>::new(key[..16].into(), iv[..].into());
            for block in data.chunks_exact_mut(16) {
                cipher.encrypt_block_mut(block.into());
            }
            give(&data, &[])
        }),
        "sm4-cbc-decrypt" => {
            let mut cipher = cbc::Encryptor::<sm4::Sm4>::new(key[..16].into(), iv[..].into());
            for block in data.chunks_exact_mut(16) {
                cipher.encrypt_block_mut(block.into());
            }
            Box::new(move || {
                let mut cipher = cbc::Decryptor::<sm4::Sm4>::new(key[..16].into(), iv[..].into());
                for block in data.chunks_exact_mut(16) {
                    cipher.decrypt_block_mut(block.into());
                }
                give(&data, &[])
            })
        }
        "sm4-gcm" => {
            let cipher = AesGcm::<sm4::Sm4, aes_gcm::aead::consts::U12>::new(key[..16].into());
            Box::new(move || {
                let tag = cipher.encrypt_in_place_detached(Nonce::from_slice(&iv[..12]), b"", &mut data).unwrap();
                give(&data, &tag)
            })
        }
        "aes-256-gcm" => {
            let cipher = Aes256Gcm::new(key[..].into());
            Box::new(move || {
                let tag = cipher.encrypt_in_place_detached(Nonce::from_slice(&iv[..12]), b"", &mut data).unwrap();
                give(&data, &tag)
            })
        }
        "sm3" => Box::new(move || sm3::Sm3::digest(&data).to_vec()),
        "sha256" => Box::new(move || Sha256::digest(&data).to_vec()),
        _ => panic!("no such operation: {op}"),
    }
}

fn rate(mut run: Run, milliseconds: f64) -> f64 {
    let (mut best, mut count) = (0.0f64, 16u32);
    let end = Instant::now() + Duration::from_secs_f64(milliseconds / 1e3);
    while Instant::now() < end {
        let start = Instant::now();
        for _ in 0..count {
            let output = run();
            // A volatile read: the compiler may not drop the work.
            unsafe { std::ptr::read_volatile(&output.len()) };
        }
        let took = start.elapsed().as_secs_f64();
        if took < 1e-3 {
            count *= 2;
        } else {
            best = best.max(count as f64 / took);
        }
    }
    best
}

fn main() {
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "offers" => println!("sm4-ctr sm4-cbc-encrypt sm4-cbc-decrypt sm4-gcm aes-256-gcm sm3 sha256"),
            "digest" => {
                let output = prepare(words[1], words[2].parse().unwrap(), true)();
                println!("{}", Sha256::digest(output).iter().map(|b| format!("{b:02x}")).collect::<String>());
            }
            _ => println!("{}", rate(prepare(words[1], words[2].parse().unwrap(), false), words[3].parse().unwrap())),
        }
        std::io::stdout().flush().unwrap();
    }
}
