//! The check of a TOML tree against a JSON schema: unknown and missing keys, wrong types, unknown
//! words, each with its place. The schema is made from the very types that are read afterwards, so
//! the two cannot disagree. Knows the part of JSON Schema that schemars writes.

use schemars::JsonSchema;
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::document::{Document, join};
use super::problem::Problem;

/// The schema of a kind of file.
pub fn of<T: JsonSchema>() -> Value {
    schemars::SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}

/// Reports everything in `tree` that `schema` does not allow.
pub fn check(schema: &Value, tree: &DeTable<'_>, document: &Document, problems: &mut Vec<Problem>) {
    let mut checker = Checker { root: schema, document, problems };
    checker.table("", tree, schema);
}

struct Checker<'a> {
    root: &'a Value,
    document: &'a Document,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Checker<'a> {
    /// Follows `$ref` and drops the "or null" of optional values, which TOML does not have.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        if let Some(pointer) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.root.pointer(pointer.trim_start_matches('#'));
            return target.map_or(schema, |target| self.resolve(target));
        }
        let choices = schema.get("anyOf").and_then(Value::as_array);
        let mut real = choices.into_iter().flatten().filter(|c| c.get("type") != Some(&Value::from("null")));
        match (real.next(), real.next()) {
            (Some(only), None) => self.resolve(only),
            _ => schema,
        }
    }

    fn table(&mut self, path: &str, table: &DeTable<'_>, schema: &'a Value) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        for (key, value) in table {
            let inner = join(path, key.get_ref());
            if let Some(property) = properties.and_then(|p| p.get(key.get_ref().as_ref())) {
                self.value(&inner, value.get_ref(), property);
            } else if let Some(other) = others.filter(|o| o.is_object()) {
                self.value(&inner, value.get_ref(), other);
            } else {
                self.unknown(&inner, key.get_ref(), properties);
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.filter_map(Value::as_str).filter(|name| !table.contains_key(*name)) {
            let about = properties.and_then(|p| p.get(name)).and_then(|p| p.get("description"));
            let help = about.and_then(Value::as_str).unwrap_or_default();
            let message = format!("the key `{name}` is missing");
            self.problems.push(self.document.problem(path, "missing_key", message, help));
        }
    }

    fn unknown(&mut self, path: &str, key: &str, known: Option<&Map<String, Value>>) {
        let names: Vec<&str> = known.into_iter().flat_map(Map::keys).map(String::as_str).collect();
        let help = nearest(key, names.iter().copied()).map_or_else(
            || format!("known keys: {}", names.join(", ")),
            |name| format!("did you mean `{name}`?"),
        );
        let place = format!("{path}/=");
        let message = format!("the key `{key}` is unknown here");
        self.problems.push(self.document.problem(&place, "unknown_key", message, help));
    }

    fn value(&mut self, path: &str, value: &DeValue<'_>, schema: &'a Value) {
        let schema = self.resolve(schema);
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            let fitting = choices.iter().map(|c| self.resolve(c)).find(|c| allows(c, value));
            return match fitting {
                Some(choice) => self.value(path, value, choice),
                None => self.wrong_type(path, value, &choices.iter().flat_map(types).collect::<Vec<_>>()),
            };
        }
        if let Some(words) = words(schema) {
            return self.word(path, value, &words);
        }
        if !allows(schema, value) {
            return self.wrong_type(path, value, &types(schema));
        }
        match value {
            DeValue::Table(table) => self.table(path, table, schema),
            DeValue::Array(array) => {
                if let Some(items) = schema.get("items") {
                    for (number, item) in array.iter().enumerate() {
                        self.value(&join(path, &number.to_string()), item.get_ref(), items);
                    }
                }
            }
            DeValue::Integer(number) => self.range(path, number.as_str(), schema),
            _ => {}
        }
    }

    fn word(&mut self, path: &str, value: &DeValue<'_>, words: &[&str]) {
        let DeValue::String(text) = value else { return self.wrong_type(path, value, &["string"]) };
        if words.contains(&text.as_ref()) {
            return;
        }
        let known = format!("one of: {}", words.join(", "));
        let help = nearest(text, words.iter().copied())
            .map_or_else(|| known.clone(), |word| format!("did you mean `{word}`? {known}"));
        let message = format!("`{text}` is not known here");
        self.problems.push(self.document.problem(path, "unknown_value", message, help));
    }

    fn range(&mut self, path: &str, text: &str, schema: &Value) {
        let number = text.replace('_', "").parse::<f64>().ok();
        let bound = |name| schema.get(name).and_then(Value::as_f64);
        let low = bound("minimum").is_some_and(|min| number.is_some_and(|n| n < min));
        let high = bound("maximum").is_some_and(|max| number.is_some_and(|n| n > max));
        if low || high {
            let message = format!("{text} is out of range");
            let edges = [("at least", bound("minimum")), ("at most", bound("maximum"))];
            let help: Vec<String> =
                edges.iter().filter_map(|(word, edge)| edge.map(|edge| format!("{word} {edge}"))).collect();
            self.problems.push(self.document.problem(path, "out_of_range", message, help.join(", ")));
        }
    }

    fn wrong_type(&mut self, path: &str, value: &DeValue<'_>, wanted: &[&str]) {
        let message = format!("expected {}, found {}", wanted.join(" or "), type_of(value));
        self.problems.push(self.document.problem(path, "wrong_type", message, ""));
    }
}

/// The words of an enumeration.
fn words(schema: &Value) -> Option<Vec<&str>> {
    if let Some(list) = schema.get("enum").and_then(Value::as_array) {
        return Some(list.iter().filter_map(Value::as_str).collect());
    }
    let choices = schema.get("oneOf").and_then(Value::as_array)?;
    let one = |choice: &'_ Value| choice.get("const").and_then(Value::as_str).map(str::to_owned);
    if choices.iter().all(|choice| one(choice).is_some() || choice.get("enum").is_some()) {
        return Some(choices.iter().flat_map(words_of).collect());
    }
    None
}

fn words_of(choice: &Value) -> Vec<&str> {
    let list = choice.get("enum").and_then(Value::as_array).into_iter().flatten();
    list.chain(choice.get("const")).filter_map(Value::as_str).collect()
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).filter(|t| *t != "null").collect(),
        _ => vec!["a table"],
    }
}

fn allows(schema: &Value, value: &DeValue<'_>) -> bool {
    let found = type_of(value);
    schema.get("type").is_none()
        || types(schema).iter().any(|t| *t == found || (*t == "number" && found == "integer"))
}

const fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "string",
        DeValue::Integer(_) => "integer",
        DeValue::Float(_) => "number",
        DeValue::Boolean(_) => "boolean",
        DeValue::Datetime(_) => "date",
        DeValue::Array(_) => "array",
        DeValue::Table(_) => "object",
    }
}

/// The known name that a mistyped one most likely means.
pub fn nearest<'n>(typed: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let typed = typed.to_lowercase();
    let scored =
        known.map(|name| (strsim::normalized_damerau_levenshtein(&typed, &name.to_lowercase()), name));
    scored.filter(|(score, _)| *score >= 0.6).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}
