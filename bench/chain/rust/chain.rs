// Limit, validate, mask and encrypt a JSON request. Tuned: the body is parsed once into a struct that borrows from it,
// values are masked where they stand, the cipher works in place, and the envelope is written into one buffer. It does
// less than FIM: the key comes with the configuration, other members of the message are skipped, nothing is counted.
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::generic_array::GenericArray;
use aes_gcm::aead::{AeadInPlace, KeyInit};
use aes_gcm::AesGcm;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, Status};
use regex::bytes::Regex;
use serde::Deserialize;

type Sm4Gcm = AesGcm<sm4::Sm4, U12>;

const RATE_PER_SECOND: f64 = 1_000_000.0;
const TRIES: u32 = 8;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root { policy: None }));
}}

#[derive(Deserialize)]
struct Settings {
    key_id: String,
    version: u32,
    key: String,
}

struct Policy {
    cipher: Sm4Gcm,
    head: Vec<u8>,
    associated: Vec<u8>,
    trans_code: Regex,
    amount: Regex,
    /// Reused from request to request.
    output: RefCell<Vec<u8>>,
}

struct Root {
    policy: Option<Rc<Policy>>,
}

impl Context for Root {}
impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let Some(text) = self.get_plugin_configuration() else { return false };
        let Ok(settings) = serde_json::from_slice::<Settings>(&text) else { return false };
        let Ok(key) = STANDARD.decode(&settings.key) else { return false };
        let kid = format!("{}?version={}", settings.key_id, settings.version);
        self.policy = Some(Rc::new(Policy {
            cipher: Sm4Gcm::new(GenericArray::from_slice(&key)),
            head: format!("{{\"alg\":\"SM4-GCM\",\"kid\":\"{kid}\",\"iv\":\"").into_bytes(),
            associated: format!("fim-json\nSM4-GCM\n{kid}\n").into_bytes(),
            trans_code: Regex::new("^01[0-9]{6}$").unwrap(),
            amount: Regex::new("^[0-9]{1,12}$").unwrap(),
            output: RefCell::new(Vec::new()),
        }));
        true
    }
    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Chain { policy: self.policy.clone()?, ours: false }))
    }
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Chain {
    policy: Rc<Policy>,
    ours: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    #[serde(borrow)]
    trans_code: &'a str,
    #[serde(borrow)]
    amount: &'a str,
    #[serde(borrow)]
    account: &'a str,
    #[serde(borrow)]
    id_no: &'a str,
    #[serde(borrow)]
    pan: &'a str,
}

/// A value of a message as places in its body.
struct Place {
    start: usize,
    length: usize,
}

fn place(body: &[u8], value: &str) -> Place {
    Place { start: value.as_ptr() as usize - body.as_ptr() as usize, length: value.len() }
}

fn mask(body: &mut [u8], at: &Place, first: usize, last: usize) {
    if at.length > first + last {
        body[at.start + first..at.start + at.length - last].fill(b'*');
    }
}

impl Chain {
    fn refuse(&self, status: u32) -> Action {
        self.send_http_response(status, vec![], None);
        Action::Pause
    }

    /// A token bucket in the shared data of the process, one for each client.
    fn takes_token(&self) -> bool {
        let Some(client) = self.get_http_request_header("x-client-id") else { return false };
        let key = format!("limit/{client}");
        for _ in 0..TRIES {
            let now = self.get_current_time().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64();
            let (stored, cas) = self.get_shared_data(&key);
            let (mut tokens, mut last) = (RATE_PER_SECOND, now);
            if let Some(bytes) = stored {
                tokens = f64::from_le_bytes(bytes[..8].try_into().unwrap());
                last = f64::from_le_bytes(bytes[8..16].try_into().unwrap());
            }
            tokens = (tokens + (now - last) * RATE_PER_SECOND).min(RATE_PER_SECOND);
            if tokens < 1.0 {
                return false;
            }
            let mut bucket = [0u8; 16];
            bucket[..8].copy_from_slice(&(tokens - 1.0).to_le_bytes());
            bucket[8..].copy_from_slice(&now.to_le_bytes());
            match self.set_shared_data(&key, Some(&bucket), cas) {
                Ok(()) => return true,
                Err(Status::CasMismatch) => continue,
                Err(_) => return false,
            }
        }
        false
    }

    /// Validates, then masks in place. False: the message is refused.
    fn judge(&self, body: &mut [u8]) -> bool {
        let (id_no, pan) = {
            let Ok(message) = serde_json::from_slice::<Message>(body) else { return false };
            let policy = &self.policy;
            if !policy.trans_code.is_match(message.trans_code.as_bytes())
                || !policy.amount.is_match(message.amount.as_bytes())
                || !(10..=32).contains(&message.account.len())
            {
                return false;
            }
            (place(body, message.id_no), place(body, message.pan))
        };
        mask(body, &id_no, 3, 4);
        mask(body, &pan, 6, 4);
        true
    }

    fn encrypt(&self, mut body: Vec<u8>) {
        let policy = &self.policy;
        let mut nonce = [0u8; 12];
        if getrandom::getrandom(&mut nonce).is_err() {
            self.refuse(500);
            return;
        }
        let length = body.len();
        let Ok(tag) = policy.cipher.encrypt_in_place_detached(&nonce.into(), &policy.associated, &mut body) else {
            self.refuse(500);
            return;
        };
        let mut output = policy.output.borrow_mut();
        output.clear();
        output.extend_from_slice(&policy.head);
        append_base64(&mut output, &nonce);
        output.extend_from_slice(b"\",\"ct\":\"");
        append_base64(&mut output, &body);
        output.extend_from_slice(b"\",\"tag\":\"");
        append_base64(&mut output, &tag);
        output.extend_from_slice(b"\"}");
        self.set_http_request_body(0, length, &output);
        self.set_http_request_header("content-length", Some(&output.len().to_string()));
        self.set_http_request_header("content-type", Some("application/vnd.fim.encrypted+json"));
    }
}

fn append_base64(output: &mut Vec<u8>, data: &[u8]) {
    let start = output.len();
    output.resize(start + data.len().div_ceil(3) * 4, 0);
    STANDARD.encode_slice(data, &mut output[start..]).unwrap();
}

impl Context for Chain {}
impl HttpContext for Chain {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        if self.get_http_request_header(":path").as_deref() != Some("/pay") {
            return Action::Continue;
        }
        self.ours = true;
        if !self.takes_token() {
            return self.refuse(429);
        }
        Action::Pause
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if !self.ours {
            return Action::Continue;
        }
        if !end_of_stream {
            return Action::Pause;
        }
        let Some(mut body) = self.get_http_request_body(0, size) else { return self.refuse(400) };
        if !self.judge(&mut body) {
            return self.refuse(422);
        }
        self.encrypt(body);
        Action::Continue
    }
}
