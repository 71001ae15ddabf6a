//! The lines of `every_desk`.

use super::*;

#[test]
fn every_desk_a_merge_stays_within_one_customer() {
    let policy = shipped();
    let now = local("2026-02-03T10:00:00-06:00");
    let one = ticket_of(&policy, "offsite", (Priority::High, "incident"), now);
    let stranger = |key_of: &str, organisation: Option<&str>| {
        let mut other =
            TicketSnapshot { id: TicketId::new(id(8)), number: TicketNumber::new(8).unwrap(), ..one.clone() };
        other.participants.retain(|p| p.role == Role::Agent);
        other.participants.push(crate::domain::ticket::Participant {
            no: ParticipantNo::FIRST,
            key: key(key_of),
            role: Role::Requester,
            organisation: organisation.map(|name| OrganisationName::parse(name).unwrap()),
        });
        other
    };
    let merge = |other: TicketSnapshot, force| {
        let facts =
            CommandFacts { other: Some(other), agent: Some(agent_name("bob")), ..command_facts(one.clone()) };
        on_command(
            &Command::Merge { force },
            &facts,
            scene(&policy, "offsite", now),
            Actor::Agent(agent_name("bob")),
        )
    };
    assert_eq!(merge(stranger(STRANGER, None), false), Err(Refusal::OtherCustomer));
    assert_eq!(merge(stranger(STRANGER, Some("elsewhere")), false), Err(Refusal::OtherCustomer));
    assert!(merge(stranger(STRANGER, None), true).is_ok(), "forced");
    let colleague = merge(stranger(COLLEAGUE, Some("clinic")), false).unwrap();
    check(
        "a colleague",
        &colleague,
        &["action merged", "state closed", "mail duplicate to 1"],
        &["mail closed"],
    );
    assert!(merge(stranger(OTHER, None), false).is_ok(), "someone takes part in both");
}
