//! The lines of `unimed`.

use super::*;

#[test]
fn unimed_not_ours_is_answered_with_the_desks_own_text_and_passed_on() {
    let now = local("2026-02-03T10:00:00-03:00");
    let rows = [
        ("glosa", ("Glosa", "A autorização TISS foi glosada pela operadora."), "says glosa", None),
        (
            "supplier",
            ("Interall", "O sistema do fornecedor Interall está com dúvida de uso, como faço o cadastro?"),
            "says supplier",
            Some("mail forward to support@records.example"),
        ),
        ("slow", ("Lentidão", "O sistema está muito lento hoje."), "says internet-check", None),
        (
            "consulting",
            ("Consultoria", "Gostaríamos de contratar uma consultoria para treinar a equipe."),
            "says consulting",
            None,
        ),
    ];
    for (name, words, want, forward) in rows {
        let decision = mail("unimed", STRANGER, words, now).decide();
        assert!(acknowledged(&decision).contains(want), "{name}: {}", acknowledged(&decision));
        assert_eq!(count(&decision, "mail forward"), usize::from(forward.is_some()), "{name}");
        check(name, &decision, &forward.into_iter().collect::<Vec<_>>(), &[]);
    }
    let plain =
        mail("unimed", STRANGER, ("Erro", "A tela de agenda apresenta erro ao salvar."), now).decide();
    assert!(!acknowledged(&plain).contains("says"), "{}", acknowledged(&plain));
    let robot = mail("unimed", STRANGER, rows[1].1, now)
        .with(|c| c.mail.robot = vec![crate::domain::message::RobotSign::AutoSubmitted]);
    check("a robot's mail is not passed on", &robot.decide(), &["action new"], &["mail forward"]);
}

#[test]
fn unimed_consulting_is_outside_the_contract_without_a_target() {
    let now = local("2026-02-03T10:00:00-03:00");
    let decision = mail(
        "unimed",
        STRANGER,
        ("Consultoria", "Gostaríamos de contratar uma consultoria para treinar a equipe."),
        now,
    )
    .decide();
    check("no promise", &decision, &["action new"], &["clocks"]);
    assert!(!acknowledged(&decision).contains("by "));
}

#[test]
fn unimed_multi_clinic_access_asks_for_what_is_missing() {
    let now = local("2026-02-03T10:00:00-03:00");
    let case = mail("unimed", STRANGER, ("Acesso", "Solicito acesso multi clínica para o usuário."), now);
    let asks = acknowledged(&case.decide());
    assert!(
        asks.ends_with(
            "asks E-mail do usuário, Já está cadastrado na clínica, Multi clínica para as clínicas"
        ),
        "{asks}"
    );
}
