//! Keys by which a message may belong to a ticket (L18, L36, L37), in the decided order. Takes an
//! understood message and the token keys, gives hints; whether one joins is for `decide` and the
//! table of L19.

use super::pattern::pattern;
use crate::domain::account::TokenCarrier;
use crate::domain::ids::{MessageId, TicketNumber};
use crate::domain::message::{InboundMessage, ThreadHints};
use crate::domain::token::{LENGTH, Token, TokenKeys};

pattern!(TAG, r"\[#(\d{1,13})\]");

/// Collects the hints. Tokens are looked for in recipient addresses (unless the account's carrier
/// is references only) and in the identifiers of References and In-Reply-To, whatever their case.
pub fn hints(
    message: &InboundMessage,
    keys: &TokenKeys,
    subaddress: Option<char>,
    carrier: TokenCarrier,
) -> ThreadHints {
    let mut tokens: Vec<Token> = Vec::new();
    let mut add = |text: &str| {
        let token = if text.len() == LENGTH { keys.verify(text) } else { None };
        if let Some(token) = token.filter(|token| !tokens.contains(token)) {
            tokens.push(token);
        }
    };
    if carrier != TokenCarrier::ReferencesOnly {
        for address in super::recipients(message) {
            let local = address.local();
            add(local);
            add(local.rsplit(subaddress.unwrap_or('+')).next().unwrap_or_default());
        }
    }
    let references: Vec<MessageId> = message.references.iter().rev().cloned().collect();
    for id in message.in_reply_to.iter().chain(&references) {
        // `<token.random@domain>`, and `<token@domain>` of the thread's root.
        add(id.left().split('.').next().unwrap_or_default());
    }
    ThreadHints {
        tokens,
        in_reply_to: message.in_reply_to.clone(),
        references,
        tag: tag(message.subject.expose()),
    }
}

/// The first `[#n]` of a subject.
pub fn tag(subject: &str) -> Option<TicketNumber> {
    let found = TAG.captures(subject)?;
    TicketNumber::new(found.get(1)?.as_str().parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::{EmailAddress, Mailbox};
    use crate::domain::ids::ParticipantNo;
    use crate::domain::token::Purpose;

    fn keys() -> TokenKeys {
        TokenKeys::new(vec![(1, [7; 32])]).unwrap()
    }

    fn token() -> Token {
        Token {
            purpose: Purpose::Reply,
            ticket: TicketNumber::new(7).unwrap(),
            participant: ParticipantNo::new(1).unwrap(),
        }
    }

    #[test]
    fn l37_a_token_is_found_wherever_it_travels() {
        let text = keys().mint(token());
        let upper = text.to_uppercase();
        let to = |address: &str| InboundMessage {
            to: vec![Mailbox { name: None, address: EmailAddress::parse(address).unwrap() }],
            ..InboundMessage::default()
        };
        let refer = |id: &str| InboundMessage {
            references: vec![MessageId::parse(id).unwrap()],
            ..InboundMessage::default()
        };
        let reply = |id: &str| InboundMessage {
            in_reply_to: vec![MessageId::parse(id).unwrap()],
            ..InboundMessage::default()
        };
        let cases = [
            (to(&format!("help+{text}@desk.example")), 1),
            (to(&format!("help+{upper}@desk.example")), 1),
            (to(&format!("{text}@desk.example")), 1),
            (refer(&format!("<{text}.abc@desk.example>")), 1),
            (reply(&format!("<{text}.abc@desk.example>")), 1),
            (to(&format!("help-{text}@desk.example")), 0),
            (to("help@desk.example"), 0),
            (InboundMessage::default(), 0),
        ];
        for (message, want) in cases {
            let got = hints(&message, &keys(), Some('+'), TokenCarrier::Plus);
            assert_eq!(got.tokens, vec![token(); want]);
        }
    }

    #[test]
    fn l19_the_first_tag_counts() {
        for (subject, want) in [
            ("Re: [#12] x [#13]", Some(12)),
            ("[#0]", None),
            ("#12", None),
            ("[#99999999999999999999]", None),
        ] {
            assert_eq!(tag(subject).map(TicketNumber::get), want, "{subject}");
        }
    }
}
