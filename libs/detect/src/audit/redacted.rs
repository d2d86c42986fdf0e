//! An audit event as people may see it: what looks like a credential is hidden, the rest stays.
//!
//! Hidden are the contents of Secrets, however they are written, tokens, what follows words such as
//! `--password`, and values under names of credentials; in bodies, annotations, addresses of requests, and in
//! JSON within texts. What looks like one is decided by [`airside_types::redact`].

use std::borrow::Cow;

use airside_k8s::Value;
use airside_k8s::value::Map;
use airside_types::redact::{REDACTED, Words, is_redacted, redact};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// How deep JSON lies in texts of JSON at most; what is deeper is hidden as a whole.
const MOST_NESTED: u8 = 4;

/// A raw event without what looks like a credential: the bytes as they are where there is nothing to hide.
/// None where it cannot be read, so that nobody can tell what it holds.
pub fn redacted(raw: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut event: Value = serde_json::from_slice(raw).ok()?;
    let is_secret = event.pointer("/objectRef/resource").is_some_and(|it| *it == "secrets");
    let mut hiding = Hiding { is_secret, nested: 0, has_hidden: false };
    hiding.value("", &mut event);
    if !hiding.has_hidden {
        return Some(Cow::Borrowed(raw));
    }
    serde_json::to_vec(&event).ok().map(Cow::Owned)
}

struct Hiding {
    /// Whether bodies are of Secrets, whatever they say themselves: a patch says nothing.
    is_secret: bool,
    nested: u8,
    has_hidden: bool,
}

impl Hiding {
    /// Hides in a value that stands under a name.
    fn value(&mut self, name: &str, value: &mut Value) {
        match value {
            Value::Object(map) => self.map(map),
            Value::Array(elements) => {
                self.words(elements);
                elements.iter_mut().for_each(|element| self.value(name, element));
            }
            Value::String(text) => {
                if let Some(shown) = self.text(name, text) {
                    self.has_hidden = true;
                    *text = shown.into_boxed_str();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn map(&mut self, map: &mut Map) {
        let says = |key: &str, what: &str| map.get(key).is_some_and(|it| *it == *what);
        let is_secret = self.is_secret || says("kind", "Secret") || says("kind", "SecretList");
        let before = std::mem::replace(&mut self.is_secret, is_secret);
        if is_secret {
            for key in ["data", "stringData"] {
                if let Some(content) = map.get_mut(key) {
                    self.all(content);
                }
            }
            // An operation of a JSON patch.
            let path = map.get("path").and_then(Value::as_str).unwrap_or_default();
            if (path.starts_with("/data") || path.starts_with("/stringData"))
                && let Some(value) = map.get_mut("value")
            {
                self.all(value);
            }
        }
        // A variable of an environment, and whatever else has a name beside its value.
        let named = map.get("name").and_then(Value::as_str).map(str::to_owned);
        if let (Some(name), Some(Value::String(value))) = (named, map.get_mut("value"))
            && is_redacted(&name, "x")
        {
            self.hide(value);
        }
        let keys: Vec<String> = map.keys().map(str::to_owned).collect();
        for (key, value) in keys.iter().zip(map.values_mut()) {
            self.value(key, value);
        }
        self.is_secret = before;
    }

    /// Hides every text of a value.
    fn all(&mut self, value: &mut Value) {
        match value {
            Value::Object(map) => map.values_mut().for_each(|value| self.all(value)),
            Value::Array(elements) => elements.iter_mut().for_each(|element| self.all(element)),
            Value::String(text) => self.hide(text),
            Value::Number(_) => {
                self.has_hidden = true;
                *value = Value::from(REDACTED);
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn hide(&mut self, text: &mut Box<str>) {
        if !text.is_empty() && **text != *REDACTED {
            self.has_hidden = true;
            *text = REDACTED.into();
        }
    }

    /// Hides words of a command that others announce, such as the one behind `--password`.
    fn words(&mut self, elements: &mut [Value]) {
        let mut words = Words::default();
        for element in elements {
            let Value::String(word) = element else { continue };
            let shown = words.element(word);
            if *shown != **word {
                self.has_hidden = true;
                *word = shown.into_boxed_str();
            }
        }
    }

    /// What a text is shown as; none where it stays.
    fn text(&mut self, name: &str, text: &str) -> Option<String> {
        if text == REDACTED {
            return None;
        }
        if name == "requestURI" {
            return address(text);
        }
        // Whoever looks for an object needs its name, whatever it looks like.
        if matches!(name, "name" | "namespace" | "uid" | "resource") {
            return None;
        }
        if text.trim_start().starts_with(['{', '[']) {
            return self.nested(text);
        }
        let shown = shown_under(name, text);
        (shown != text).then_some(shown)
    }

    /// JSON within a text, such as the last configuration that kubectl applied.
    fn nested(&mut self, text: &str) -> Option<String> {
        if self.nested >= MOST_NESTED {
            return Some(REDACTED.to_owned());
        }
        let Ok(mut value) = serde_json::from_str::<Value>(text) else {
            let shown = redact(text);
            return (shown != text).then_some(shown);
        };
        let mut inner = Self { nested: self.nested + 1, has_hidden: false, ..*self };
        inner.value("", &mut value);
        inner.has_hidden.then(|| value.to_string())
    }
}

/// What a text under a name is shown as. Under the name of a credential all of it is one; elsewhere the words
/// around one stay.
fn shown_under(name: &str, text: &str) -> String {
    match !text.is_empty() && is_redacted(name, "x") {
        true => REDACTED.to_owned(),
        false => redact(text),
    }
}

/// What in a query is not a character of a value.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'&').add(b'=').add(b'#').add(b'%').add(b'+');

/// An address of a request, without the credentials in its query: those of commands among them.
fn address(uri: &str) -> Option<String> {
    let (path, query) = uri.split_once('?')?;
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().replace('+', " ");
    let mut has_hidden = false;
    let mut words = Words::default();
    let pairs = query.split('&').map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = decode(value);
        let as_word = words.element(&plain);
        let shown = if as_word == plain { shown_under(key, &plain) } else { as_word };
        if shown != plain {
            has_hidden = true;
            let shown = shown.replace(REDACTED, "REDACTED");
            format!("{key}={}", utf8_percent_encode(&shown, ENCODED))
        } else {
            pair.to_owned()
        }
    });
    let query = pairs.collect::<Vec<_>>().join("&");
    has_hidden.then(|| format!("{path}?{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(raw: &str) -> String {
        String::from_utf8(redacted(raw.as_bytes()).unwrap().into_owned()).unwrap()
    }

    #[test]
    fn what_is_no_credential_stays_to_the_byte() {
        for raw in [
            r#"{ "verb":"get", "user":{"username":"ada"}, "a":1.50 }"#,
            r#"{"requestURI":"/api/v1/namespaces/shop/pods/web/exec?command=sh&command=-c&command=id","verb":"create"}"#,
            r#"{"objectRef":{"resource":"secrets","name":"db"},"verb":"get","annotations":{"authorization.k8s.io/reason":"RBAC: allowed by ClusterRoleBinding \"x\" of ClusterRole \"y\""}}"#,
            r#"{"requestObject":{"kind":"ConfigMap","data":{"color":"red"}}}"#,
        ] {
            assert_eq!(shown(raw), raw);
        }
    }

    #[test]
    fn credentials_are_hidden_wherever_they_stand() {
        let jwt = format!("eyJ{}.{}.{}", "a".repeat(20), "b".repeat(20), "hunter2");
        for raw in [
            // Contents of Secrets: whole, in lists, patched in both ways, as applied before.
            r#"{"responseObject":{"kind":"Secret","data":{"pw":"hunter2"}}}"#.to_owned(),
            r#"{"requestObject":{"kind":"Secret","stringData":{"a":"hunter2"}}}"#.to_owned(),
            r#"{"responseObject":{"kind":"SecretList","items":[{"data":{"pw":"hunter2"}}]}}"#.to_owned(),
            r#"{"responseObject":{"kind":"List","items":[{"kind":"Secret","data":{"pw":"hunter2"}}]}}"#.to_owned(),
            r#"{"objectRef":{"resource":"secrets"},"requestObject":{"data":{"pw":"hunter2"}}}"#.to_owned(),
            r#"{"objectRef":{"resource":"secrets"},"requestObject":[{"op":"add","path":"/data/pw","value":"hunter2"}]}"#.to_owned(),
            r#"{"objectRef":{"resource":"secrets"},"requestObject":[{"op":"add","path":"/data","value":{"pw":"hunter2"}}]}"#.to_owned(),
            r#"{"requestObject":{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"kind\":\"Secret\",\"data\":{\"pw\":\"hunter2\"}}"}}}}"#.to_owned(),
            // Tokens.
            r#"{"responseObject":{"kind":"TokenRequest","status":{"token":"hunter2"}}}"#.to_owned(),
            r#"{"requestObject":{"kind":"TokenReview","spec":{"token":"hunter2"}}}"#.to_owned(),
            format!(r#"{{"requestObject":{{"data":{{"any":"{jwt}"}}}}}}"#),
            // Environments and commands.
            r#"{"requestObject":{"spec":{"containers":[{"env":[{"name":"DB_PASSWORD","value":"hunter2"}]}]}}}"#.to_owned(),
            r#"{"requestObject":{"spec":{"containers":[{"args":["--password","hunter2"]}]}}}"#.to_owned(),
            r#"{"requestObject":{"spec":{"containers":[{"args":["--password=hunter2"]}]}}}"#.to_owned(),
            r#"{"requestURI":"/api/v1/namespaces/a/pods/b/exec?command=mysql&command=--password%3Dhunter2"}"#.to_owned(),
            r#"{"requestURI":"/api/v1/namespaces/a/pods/b/exec?command=mysql&command=--password&command=hunter2"}"#.to_owned(),
            r#"{"requestURI":"/api/v1/proxy?access-token=hunter2"}"#.to_owned(),
            r#"{"requestURI":"/api/v1/namespaces/a/pods/b/exec?command=mysql&command=-uroot&command=-phunter2"}"#.to_owned(),
            r#"{"requestURI":"/api/v1/namespaces/a/pods/b/exec?command=curl&command=-u&command=bob%3Ahunter2"}"#.to_owned(),
            r#"{"requestObject":{"spec":{"containers":[{"command":["/usr/bin/mysqldump","-phunter2"]}]}}}"#.to_owned(),
            r#"{"requestObject":{"spec":{"containers":[{"args":["--password","hunter2 and more"]}]}}}"#.to_owned(),
            r#"{"requestObject":{"kind":"ConfigMap","data":{"aws_secret_access_key":"hunter2"}}}"#.to_owned(),
            r#"{"requestURI":"/x?command=sh&command=-c&command=curl+-H+Authorization:+Bearer+hunter2"}"#.to_owned(),
            // A ConfigMap that holds one.
            r#"{"requestObject":{"kind":"ConfigMap","data":{"password":"hunter2 and more"}}}"#.to_owned(),
            r#"{"requestObject":{"data":{"url":"postgres://app:hunter2@db/x"}}}"#.to_owned(),
        ] {
            let shown = shown(&raw);
            assert!(!shown.contains("hunter2") && shown.to_lowercase().contains("redacted"), "{raw}\n{shown}");
        }
    }

    #[test]
    fn nested_too_deeply_all_is_hidden() {
        let mut text = r#"{"kind":"Secret","data":{"pw":"hunter2"}}"#.to_owned();
        for _ in 0..20 {
            text = serde_json::json!({ "a": text }).to_string();
            if text.len() > 100_000 {
                break;
            }
        }
        assert!(!shown(&text).contains("hunter2"));
    }

    #[test]
    fn what_cannot_be_read_is_not_shown() {
        assert_eq!(redacted(br#"{"requestObject":{"kind":"Secret","data":{"pw":"hun"#), None);
        assert_eq!(redacted(b"\xff"), None);
    }
}
