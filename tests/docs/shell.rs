//! As much of a shell as finds the simple commands of a page's line.

/// The words of every simple command in a script: of pipelines, lists and loops, and of what
/// stands in `$( )`.
pub(crate) fn commands(script: &str) -> Vec<Vec<String>> {
    let mut reader = Reader {
        rest: script.chars().collect::<Vec<_>>().into_iter().peekable(),
        done: Vec::new(),
    };
    reader.list(None);
    reader.done
}

struct Reader {
    rest: std::iter::Peekable<std::vec::IntoIter<char>>,
    done: Vec<Vec<String>>,
}

impl Reader {
    /// Commands up to the end, or to what closes this part.
    fn list(&mut self, end: Option<char>) {
        let mut words: Vec<String> = Vec::new();
        let mut word: Option<String> = None;
        while let Some(letter) = self.rest.next() {
            if Some(letter) == end {
                break;
            }
            match letter {
                '\\' => match self.rest.next() {
                    Some('\n') | None => {}
                    Some(escaped) => word.get_or_insert_default().push(escaped),
                },
                '\'' => {
                    let inner = word.get_or_insert_default();
                    inner.extend(self.rest.by_ref().take_while(|inner| *inner != '\''));
                }
                '"' => self.quoted(word.get_or_insert_default()),
                '$' => self.dollar(word.get_or_insert_default()),
                '#' if word.is_none() => while self.rest.next_if(|next| *next != '\n').is_some() {},
                '\n' | ';' | '|' | '&' => {
                    words.extend(word.take());
                    self.end(std::mem::take(&mut words));
                }
                letter if letter.is_whitespace() => words.extend(word.take()),
                letter => word.get_or_insert_default().push(letter),
            }
        }
        words.extend(word);
        self.end(words);
    }

    fn quoted(&mut self, word: &mut String) {
        while let Some(letter) = self.rest.next() {
            match letter {
                '"' => break,
                '\\' => word.extend(self.rest.next()),
                '$' => self.dollar(word),
                letter => word.push(letter),
            }
        }
    }

    fn dollar(&mut self, word: &mut String) {
        word.push('$');
        if self.rest.next_if_eq(&'(').is_some() {
            self.list(Some(')'));
        }
    }

    /// Keeps a command, without the words before its program.
    fn end(&mut self, words: Vec<String>) {
        let leads = |word: &String| {
            let name = word.split('=').next().unwrap_or_default();
            let variable = word.contains('=')
                && name
                    .chars()
                    .all(|letter| letter.is_ascii_uppercase() || letter == '_');
            variable || matches!(word.as_str(), "do" | "then" | "else" | "if" | "while" | "!")
        };
        let command: Vec<_> = words.into_iter().skip_while(leads).collect();
        let of_the_shell = ["for", "done", "fi", "wait", "cd", "export"];
        if !command.is_empty() && !of_the_shell.contains(&command[0].as_str()) {
            self.done.push(command);
        }
    }
}

#[test]
fn commands_are_found_wherever_they_stand() {
    let script = "# make none\nA=1 make run EXAMPLE=a   # and; that\n\
        curl -s 'a; b' -H \"c $(d e | f) '\" \\\n  --json '{\"x\": 1}' | grep \"y;z\" &\n\
        for i in $(seq 5); do curl -x; done; wait";
    let found: Vec<String> = commands(script)
        .iter()
        .map(|words| words.join(" "))
        .collect();
    assert_eq!(
        found,
        [
            "make run EXAMPLE=a",
            "d e",
            "f",
            "curl -s a; b -H c $ ' --json {\"x\": 1}",
            "grep y;z",
            "seq 5",
            "curl -x",
        ]
    );
}
