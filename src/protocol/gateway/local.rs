//! What a gateway without tokens refuses: pages of strangers in a browser on this machine.
//!
//! A page's own name may be led to a loopback address (DNS rebinding), and a page may post anywhere; neither can name an IP
//! address as its host or leave its Origin out.

use super::problem::{FOREIGN_PAGE, RequestFault, WRONG_HOST};
use super::request::PublishRequest;

/// Refuses a request that a stranger's page may have made.
pub fn refuse_pages(request: &PublishRequest) -> Result<(), RequestFault> {
    if request.header("origin").is_some() {
        return Err(RequestFault::new(FOREIGN_PAGE, "the request comes from a web page"));
    }
    match request.header("host") {
        Some(host) if is_own(host) => Ok(()),
        _ => Err(RequestFault::new(WRONG_HOST, "the request names a host that is no IP address")),
    }
}

fn is_own(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        let hexadecimal = |byte: u8| byte.is_ascii_hexdigit() || b":.".contains(&byte);
        return rest
            .split_once(']')
            .is_some_and(|(address, _)| address.contains(':') && address.bytes().all(hexadecimal));
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    // A name ends with a word that is no number, so that no address is one (RFC 3696, section 2).
    let number = |part: &str| !part.is_empty() && part.parse::<u8>().is_ok();
    name.eq_ignore_ascii_case("localhost") || name.split('.').count() == 4 && name.split('.').all(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_ours_and_a_name_is_anybodys() {
        for good in ["127.0.0.1:8081", "localhost", "LOCALHOST:1", "[::1]:80", "10.0.0.7"] {
            assert!(is_own(good), "{good}");
        }
        for bad in ["evil.example", "evil.example:8081", "127.0.0.1.evil.example", "", "[evil]:1", "localhost.evil"] {
            assert!(!is_own(bad), "{bad}");
        }
    }
}
