//! The printed schema against the shipped files, by a reader of JSON Schema that is not the one that
//! `check` uses: what an editor would say.

use serde_json::Value;

/// The first thing that does not fit, with its place.
fn misfit(root: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(pointer) = schema["$ref"].as_str() {
        return misfit(root, root.pointer(pointer.trim_start_matches('#')).unwrap(), value, at);
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[key].as_array() {
            let fits = choices.iter().any(|choice| misfit(root, choice, value, at).is_none());
            return (!fits).then(|| format!("{at}: fits none of {key}"));
        }
    }
    if let Some(wanted) = schema.get("const") {
        return (value != wanted).then(|| format!("{at}: is not {wanted}"));
    }
    if let Some(words) = schema["enum"].as_array() {
        return (!words.contains(value)).then(|| format!("{at}: {value} is none of {words:?}"));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let kind = match value {
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::Null => "null",
    };
    if !types.is_empty() && !types.contains(&kind) {
        return Some(format!("{at}: {kind} is none of {types:?}"));
    }
    let bound = |key: &str| schema[key].as_f64().zip(value.as_f64());
    if bound("minimum").is_some_and(|(min, n)| n < min) || bound("maximum").is_some_and(|(max, n)| n > max) {
        return Some(format!("{at}: {value} is out of range"));
    }
    let items = value.as_array().into_iter().flatten().enumerate();
    let parts = items.map(|(n, item)| (format!("{at}/{n}"), item, schema.get("items")));
    for (place, item, schema) in parts {
        if let Some(misfit) = schema.and_then(|schema| misfit(root, schema, item, &place)) {
            return Some(misfit);
        }
    }
    let table = value.as_object()?;
    let missing = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(name) = missing.into_iter().find(|name| !table.contains_key(*name)) {
        return Some(format!("{at}: `{name}` is missing"));
    }
    table.iter().find_map(|(key, inner)| {
        let place = format!("{at}/{key}");
        match (schema["properties"].get(key), schema.get("additionalProperties")) {
            (Some(property), _) => misfit(root, property, inner, &place),
            (None, Some(Value::Bool(false))) => Some(format!("{place}: is unknown")),
            (None, Some(others)) => misfit(root, others, inner, &place),
            (None, None) => None,
        }
    })
}

fn check(kind: &str, text: &str) -> Option<String> {
    let schema = &super::schema()[kind];
    let value: toml::Value = toml::from_str(text).unwrap();
    misfit(schema, schema, &serde_json::to_value(value).unwrap(), "")
}

#[test]
fn the_schema_fits_every_shipped_file_and_no_broken_one() {
    let shipped = super::embedded::sources();
    let desks = shipped.desks.iter().map(|source| ("desk", source));
    let calendars = shipped.calendars.iter().map(|source| ("calendar", source));
    let words = shipped.words.iter().map(|source| ("words", source));
    let others = [("mailward", &shipped.main)];
    let directory = shipped.directory.iter().map(|source| ("directory", source));
    let mut seen = 0;
    for (kind, source) in desks.chain(calendars).chain(words).chain(others).chain(directory) {
        assert_eq!(check(kind, &source.text), None, "{}", source.file);
        seen += 1;
    }
    assert!(seen >= 6 + 4 + 4 + 2, "{seen}");
    let desk = &shipped.desks.iter().find(|source| source.stem == "colombia").unwrap().text;
    let broken = [
        ("calendar = \"co\"", "calendr = \"co\"", "`calendar` is missing"),
        ("raise = true", "raise = 1", "escalation/raise"),
        ("priority = \"high\"", "priority = \"hihg\"", "fits none"),
        ("warn_at = [50, 75, 90]", "warn_at = [50, 75, \"90\"]", "warn_at/2"),
        ("name = \"colombia\"", "name = \"colombia\"\nnme = 1", "nme: is unknown"),
    ];
    for (from, to, want) in broken {
        assert!(desk.contains(from), "{from}");
        let found = check("desk", &desk.replacen(from, to, 1)).unwrap_or_default();
        assert!(found.contains(want), "{to}: {found}");
    }
}
