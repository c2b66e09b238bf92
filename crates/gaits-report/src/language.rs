//! Sentences in more than one language. Duty: a sentence is made once for each [`Language`], from the same numbers, and [`Said`] holds
//! all of them, so that whoever shows it can choose. Limit: terminals, Markdown and JSON take the English one; pages have both.

use serde::{Deserialize, Deserializer, Serialize};

/// A language that sentences are made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Korean.
    Korean,
}

/// A text in every language. Its JSON has a field for each; a text from before there were several is taken for all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Said {
    en: String,
    ko: String,
}

impl Said {
    /// What `words` makes in each language.
    #[must_use]
    pub fn of(words: impl Fn(Language) -> String) -> Self {
        let said = Self { en: words(Language::English), ko: words(Language::Korean) };
        #[cfg(test)]
        tests::assert_alike(&said);
        said
    }

    /// A name or a figure, which is the same in each language.
    #[must_use]
    pub fn same(text: String) -> Self {
        Self { ko: text.clone(), en: text }
    }

    /// The text in English.
    #[must_use]
    pub fn english(&self) -> &str {
        &self.en
    }

    /// The text in `language`.
    #[must_use]
    pub fn within(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Korean => &self.ko,
        }
    }

    /// The texts of all languages.
    pub fn each(&self) -> impl Iterator<Item = &str> {
        [self.en.as_str(), self.ko.as_str()].into_iter()
    }

    /// The text behind the name of what it is about.
    pub(crate) fn of_what(&self, name: &str) -> Self {
        Self::of(|language| format!("{name}: {}", self.within(language)))
    }

    /// For JSON that only holds the English text.
    ///
    /// # Errors
    /// `serializer` takes no text.
    pub(crate) fn only_english<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.en)
    }
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            One(String),
            Each { en: String, ko: String },
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::One(text) => Self::same(text),
            Form::Each { en, ko } => Self { en, ko },
        })
    }
}

/// A text in `$language`, from a template for each. Without one of the templates it does not compile.
#[macro_export]
macro_rules! said {
    ($language:expr, $english:literal, $korean:literal $(,)?) => {
        match $language {
            $crate::Language::English => format!($english),
            $crate::Language::Korean => format!($korean),
        }
    };
}
pub(crate) use said;

/// `a, b and c`, and `a, b, c` in Korean, where what joins two words depends on how the first one sounds.
pub(crate) fn list(language: Language, parts: &[String]) -> String {
    match (language, parts.split_last()) {
        (Language::Korean, _) => parts.join(", "),
        (Language::English, None) => String::new(),
        (Language::English, Some((last, []))) => last.clone(),
        (Language::English, Some((last, others))) => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers in a text, sorted, those that are spelled out included. A one is left out: English leaves it to the singular.
    fn numbers(text: &str) -> Vec<String> {
        const WORDS: [(&str, &str); 10] = [
            ("half", "2"),
            ("third", "3"),
            ("quarter", "4"),
            ("fifth", "5"),
            ("sixth", "6"),
            ("seventh", "7"),
            ("eighth", "8"),
            ("ninth", "9"),
            ("tenth", "10"),
            ("two", "2"),
        ];
        /// Particles may follow.
        const STEMS: [(&str, &str); 2] = [("절반", "2"), ("둘", "2")];
        let words = text.split(|c: char| !c.is_alphanumeric() && !".,:".contains(c));
        let numbers = words.flat_map(|word| {
            let word = word.trim_matches(['.', ',', ':']);
            let whole = WORDS.iter().find(|(name, _)| word == *name);
            let known = whole.or_else(|| STEMS.iter().find(|(stem, _)| word.starts_with(stem)));
            let in_digits = word.split(|c: char| !c.is_ascii_digit() && !".,:".contains(c));
            let in_digits = in_digits.map(|part| part.trim_matches(['.', ',', ':']).to_owned());
            in_digits.chain(known.map(|(_, number)| (*number).to_owned())).collect::<Vec<_>>()
        });
        let mut numbers: Vec<String> =
            numbers.filter(|number| !number.is_empty() && number != "1").collect();
        numbers.sort();
        numbers
    }

    /// Panics unless the Korean text is one, and has the same numbers as the English one. Every sentence that any test makes goes
    /// through this.
    pub(super) fn assert_alike(said: &Said) {
        let is_hangul = |c: char| ('가'..='힣').contains(&c);
        let is_figure = said.en == said.ko && said.en.split(' ').count() <= 6;
        assert!(said.ko.contains(is_hangul) || is_figure, "{said:?}");
        assert!(!said.en.contains(is_hangul), "{said:?}");
        assert_eq!(numbers(&said.en), numbers(&said.ko), "{said:?}");
    }

    #[test]
    fn numbers_are_found_in_either_language() {
        assert_eq!(
            numbers("2 cores, a ninth of 1,234.5 at 2:05–3:10 min; one, 1 more."),
            ["1,234.5", "2", "2:05", "3:10", "9"]
        );
        assert_eq!(
            numbers("코어 2개, 1,234.5의 9분의 1(2:05–3:10 min), 하나."),
            ["1,234.5", "2", "2:05", "3:10", "9"]
        );
    }

    #[test]
    fn a_text_of_old_is_taken_for_all_languages() {
        let old: Said = serde_json::from_str("\"why?\"").unwrap();
        assert_eq!((old.english(), old.within(Language::Korean)), ("why?", "why?"));
        let both = Said::of(|language| said!(language, "why?", "왜?"));
        let json = serde_json::to_string(&both).unwrap();
        assert_eq!(json, r#"{"en":"why?","ko":"왜?"}"#);
        assert_eq!(serde_json::from_str::<Said>(&json).unwrap(), both);
    }
}
