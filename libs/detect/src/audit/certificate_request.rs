//! What a certificate signing request asks for: which of the names that the cluster gives rights to by itself.
//!
//! Texts stand in the DER as they are, or with a zero before each letter, so that no parser of certificates is needed. What
//! the API server reads is read: the blocks of a PEM file with whatever stands between, before and after them, with their
//! headers, and white space anywhere.

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose::STANDARD};

/// The group that may do everything, and that nothing can be taken from.
pub(super) const MASTERS: &str = "system:masters";
/// Group and names of nodes.
pub(super) const NODE_NAMES: [&str; 2] = ["system:nodes", "system:node:"];

/// The names, those first that give more.
const NAMES: [&str; 9] = [
    MASTERS,
    // kubeadm's administrators, by a binding that every cluster of its making has.
    "kubeadm:cluster-admins",
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "system:kube-proxy",
    "system:apiserver",
    "system:serviceaccount:",
    "system:nodes",
    "system:node:",
];

/// Base64 of which the end may be missing.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The first name in a request (base64 of PEM, whose blocks are base64 of DER) that the cluster gives rights to.
pub(super) fn privileged_name_in(encoded: &str) -> Option<&'static str> {
    let blocks = blocks(encoded);
    NAMES.into_iter().find(|name| {
        let wide: Vec<u8> = name.bytes().flat_map(|letter| [0, letter]).collect();
        blocks.iter().any(|der| stands(der, name.as_bytes()) || stands(der, &wide))
    })
}

/// Whether there is a request of which nothing can be read.
pub(super) fn is_unread(encoded: &str) -> bool {
    !encoded.is_empty() && blocks(encoded).is_empty()
}

fn stands(der: &[u8], name: &[u8]) -> bool {
    memchr::memmem::find(der, name).is_some()
}

/// The DER in each block that can be read.
fn blocks(encoded: &str) -> Vec<Vec<u8>> {
    let plain: String = encoded.split_ascii_whitespace().collect();
    let Ok(pem) = STANDARD.decode(plain) else { return Vec::new() };
    let pem = String::from_utf8_lossy(&pem);
    let blocks = pem.split("-----BEGIN ").skip(1).filter_map(|block| {
        let (_, body) = block.split_once("-----")?;
        let (body, _) = body.split_once("-----END ")?;
        let lines = body.lines().filter(|line| !line.contains(':'));
        let letters: String = lines.flat_map(str::split_ascii_whitespace).collect();
        LENIENT.decode(letters).ok().filter(|der| !der.is_empty())
    });
    blocks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(pem: &str) -> String {
        STANDARD.encode(pem)
    }

    fn block(der: &[u8]) -> String {
        let body = STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n")
    }

    #[test]
    fn names_are_found_however_the_request_is_written() {
        let der = b"0\x82..system:kube-controller-manager..";
        let plain = block(der);
        let wide: Vec<u8> = b"kubeadm:cluster-admins".iter().flat_map(|it| [0, *it]).collect();
        let spaced: String = plain
            .lines()
            .map(|line| match line.starts_with('-') {
                true => format!("{line}\n"),
                false => format!(" {}\n\n", line.replace('z', " z \n")),
            })
            .collect();
        for (how, pem, name) in [
            ("plain", plain.clone(), "system:kube-controller-manager"),
            ("text before", format!("Certificate Request:\n  Data:\n{plain}"), NAMES[2]),
            ("text behind", format!("{plain}made by hand\n"), NAMES[2]),
            ("white space within", spaced, NAMES[2]),
            ("headers", plain.replacen("-----\n", "-----\nProc-Type: 4\nX: y\n\n", 1), NAMES[2]),
            ("behind another block", format!("{}{plain}", block(b"x")), NAMES[2]),
            ("without its padding", block(b"system:masters").replace('=', ""), MASTERS),
            ("a text of two bytes a letter", block(&wide), NAMES[1]),
        ] {
            assert_eq!(privileged_name_in(&request(&pem)), Some(name), "{how}");
        }
        let mut broken = request(&plain);
        broken.insert_str(40, "\r\n");
        assert_eq!(privileged_name_in(&broken), Some(NAMES[2]), "lines in the JSON");
        assert_eq!(privileged_name_in(&request(&block(b"CN=dana"))), None);
    }

    #[test]
    fn what_cannot_be_read_is_known() {
        assert!(!is_unread(""), "the event does not have it");
        assert!(!is_unread(&request(&block(b"CN=dana"))));
        for hidden in
            ["%%", &request("no PEM"), &request("-----BEGIN X-----\n****\n-----END X-----")]
        {
            assert!(is_unread(hidden), "{hidden}");
        }
    }
}
