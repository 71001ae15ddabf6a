//! Check digits of national identifiers, cards and devices. Takes text with its separators, answers
//! whether the number can be one. A random number passes CPF 1 %, CNS 9 %, Luhn 10 %.

/// The decimal digits of a text, in order.
pub fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

fn all_equal(d: &[u32]) -> bool {
    d.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
}

fn weighted(d: &[u32], weights: impl Iterator<Item = u32>) -> u32 {
    d.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// 0 if the rest is below 2, else 11 less it (CPF, CNPJ).
const fn mod11(sum: u32) -> u32 {
    let rest = sum % 11;
    if rest < 2 { 0 } else { 11 - rest }
}

/// Brazil's CPF: 11 digits, two check digits.
pub fn cpf(text: &str) -> bool {
    let d = digits(text);
    let [body @ .., a, b] = d.as_slice() else { return false };
    let Some(ten) = d.get(..10) else { return false };
    d.len() == 11
        && !all_equal(&d)
        && mod11(weighted(body, (2..=10).rev())) == *a
        && mod11(weighted(ten, (2..=11).rev())) == *b
}

/// Brazil's CNPJ: 14 characters, the first 12 may be letters from 2026 (value = ASCII - 48).
pub fn cnpj(text: &str) -> bool {
    let values: Vec<u32> = text
        .bytes()
        .filter(u8::is_ascii_alphanumeric)
        .map(|b| u32::from(b.to_ascii_uppercase()) - 48)
        .collect();
    let [body @ .., a, b] = values.as_slice() else { return false };
    let Some(thirteen) = values.get(..13) else { return false };
    let sum = |part: &[u32]| -> u32 {
        part.iter().rev().zip((2..=9).cycle()).map(|(value, weight): (&u32, u32)| value * weight).sum()
    };
    values.len() == 14
        && *a < 10
        && *b < 10
        && !all_equal(&values)
        && mod11(sum(body)) == *a
        && mod11(sum(thirteen)) == *b
}

/// Brazil's CNS (Cartão SUS): 15 digits starting 1, 2, 7, 8 or 9.
pub fn cns(text: &str) -> bool {
    let d = digits(text);
    d.len() == 15
        && matches!(d.first(), Some(1 | 2 | 7 | 8 | 9))
        && weighted(&d, (1..=15).rev()).is_multiple_of(11)
}

/// Colombia's NIT with its check digit.
pub fn nit(text: &str) -> bool {
    const WEIGHTS: [u32; 15] = [3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71];
    let d = digits(text);
    let [body @ .., check] = d.as_slice() else { return false };
    if !(8..=10).contains(&body.len()) {
        return false;
    }
    let sum: u32 = body.iter().rev().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    let rest = sum % 11;
    *check == if rest < 2 { rest } else { 11 - rest }
}

/// The Luhn check (ISO/IEC 7812-1): cards, IMEI, NPI behind 80840.
pub fn luhn(d: &[u32]) -> bool {
    let sum: u32 = d
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A payment card: 13 to 19 digits, first 2 to 6, Luhn.
pub fn card(text: &str) -> bool {
    let d = digits(text);
    (13..=19).contains(&d.len()) && matches!(d.first(), Some(2..=6)) && !all_equal(&d) && luhn(&d)
}

/// A US social security number by its areas: 9 digits.
pub fn ssn(text: &str) -> bool {
    let d = digits(text);
    let (Some(area), Some(group), Some(serial)) = (d.get(..3), d.get(3..5), d.get(5..)) else { return false };
    let zero = |part: &[u32]| part.iter().all(|digit| *digit == 0);
    d.len() == 9 && !zero(area) && area != [6, 6, 6] && d.first() != Some(&9) && !zero(group) && !zero(serial)
}

/// A US provider number: 10 digits starting 1 or 2, Luhn behind 80840.
pub fn npi(text: &str) -> bool {
    let d = digits(text);
    let mut whole = vec![8, 0, 8, 4, 0];
    whole.extend(&d);
    d.len() == 10 && matches!(d.first(), Some(1 | 2)) && luhn(&whole)
}

/// A US prescriber number (DEA): two letters, seven digits, the last a check digit.
pub fn dea(text: &str) -> bool {
    let d = digits(text);
    let [body @ .., check] = d.as_slice() else { return false };
    d.len() == 7 && weighted(body, [1, 2].into_iter().cycle()) % 10 == *check
}

/// Letters count 10 to 35; the number modulo 97 (ISO 13616) is 1.
pub fn iban(text: &str) -> bool {
    let plain: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let Some((head, tail)) = plain.split_at_checked(4) else { return false };
    if !(15..=34).contains(&plain.len()) {
        return false;
    }
    let rest = tail.iter().chain(head).fold(0_u32, |rest, byte| {
        let value = char::from(*byte).to_digit(36).unwrap_or(0);
        (rest * if value > 9 { 100 } else { 10 } + value) % 97
    });
    rest == 1
}

/// Italy's codice fiscale with its check letter (odd and even tables, modulo 26).
pub fn codice_fiscale(text: &str) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let plain: Vec<u8> =
        text.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase()).collect();
    let [body @ .., check] = plain.as_slice() else { return false };
    if plain.len() != 16 {
        return false;
    }
    let sum: u32 = body
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            let value = if byte.is_ascii_digit() { byte - b'0' } else { byte.saturating_sub(b'A') };
            let even = u32::from(value);
            if at % 2 == 0 { ODD.get(usize::from(value)).copied().unwrap_or(0) } else { even }
        })
        .sum();
    u32::from(check.saturating_sub(b'A')) == sum % 26
}

/// A trade item number of 14 digits (GTIN, as devices carry it): weights 3 and 1.
pub fn gtin14(text: &str) -> bool {
    let d = digits(text);
    d.len() == 14 && !all_equal(&d) && weighted(&d, [3, 1].into_iter().cycle()).is_multiple_of(10)
}

/// A mobile device's number (IMEI): 15 digits, Luhn.
pub fn imei(text: &str) -> bool {
    let d = digits(text);
    d.len() == 15 && !all_equal(&d) && luhn(&d)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(is: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(is(text), "{text} should pass");
        }
        for text in bad {
            assert!(!is(text), "{text} should fail");
        }
    }

    #[test]
    fn check_digits_of_each_identifier() {
        check(cpf, &["104.332.181-00", "52998224725"], &["104.332.181-01", "11111111111", "1043321810", ""]);
        check(cnpj, &["08.386.379/0001-21", "12.ABC.345/01DE-35"], &["08.386.379/0001-22", ""]);
        check(cns, &["995931034131643"], &["995931034131644", "395931034131643"]);
        check(nit, &["831.509.839-3"], &["831.509.839-4", "3"]);
        check(card, &["4111 1111 1111 1111", "378282246310005"], &["4111 1111 1111 1112", "0000000000000"]);
        check(
            ssn,
            &["219-09-9999"],
            &["000-09-9999", "666-09-9999", "900-09-9999", "219-00-9999", "219-09-0000"],
        );
        check(npi, &["1234567893"], &["1234567890", "3234567893"]);
        check(dea, &["AB1234563"], &["AB1234564"]);
        check(
            iban,
            &["GB82 WEST 1234 5698 7654 32", "IT60X0542811101000000123456"],
            &["GB82WEST12345698765431", "GB"],
        );
        check(codice_fiscale, &["BNCGLI85D52D612X"], &["BNCGLI85D52D612Y", ""]);
        check(gtin14, &["10614141000415"], &["10614141000416"]);
        check(imei, &["490154203237518"], &["490154203237519"]);
    }
}
