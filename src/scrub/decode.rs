//! Letters that stand for others, in every encoding that [`view`](super::view) looks through.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Letters of the longest entity, `&` and `;` included.
const LONGEST_ENTITY: usize = 10;

/// A text that ends in the middle of a group is decoded all the same.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// A letter, and the bytes of the text that it stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letter {
    pub(super) letter: char,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The meaning of encoded letters.
pub(super) enum Piece {
    /// A line that goes on.
    Nothing,
    Letter(char),
    /// A part of a letter in UTF-8.
    Byte(u8),
}

/// Packed letters → bytes, and how many bits each letter holds.
pub(super) type Unpack = dyn Fn(&[u8]) -> (Vec<u8>, usize);

pub(super) fn is_base64(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "+/-_".contains(letter)
}

pub(super) fn from_base64(packed: &[u8]) -> (Vec<u8>, usize) {
    let standard = |letter: &u8| match letter {
        b'-' => b'+',
        b'_' => b'/',
        letter => *letter,
    };
    // One letter beyond a group holds no byte.
    let whole = packed.len() - usize::from(packed.len() % 4 == 1);
    let packed: Vec<u8> = packed[..whole].iter().map(standard).collect();
    (BASE64.decode(packed).unwrap_or_default(), 6)
}

pub(super) fn is_base32(letter: char) -> bool {
    letter.is_ascii_uppercase() || ('2'..='7').contains(&letter)
}

/// <https://www.rfc-editor.org/rfc/rfc4648#section-6>
pub(super) fn from_base32(packed: &[u8]) -> (Vec<u8>, usize) {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0u32);
    for letter in packed {
        let five = match letter {
            b'A'..=b'Z' => letter - b'A',
            digit => digit.saturating_sub(b'2') + 26,
        };
        held = (held << 5) | u32::from(five & 31);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits).to_be_bytes()[3]);
            held &= (1 << bits) - 1;
        }
    }
    (bytes, 5)
}

pub(super) fn is_hex(letter: char) -> bool {
    letter.is_ascii_hexdigit()
}

pub(super) fn from_hex(packed: &[u8]) -> (Vec<u8>, usize) {
    let whole = packed.len() - packed.len() % 2;
    (hex::decode(&packed[..whole]).unwrap_or_default(), 4)
}

/// The number that all of these letters are in hexadecimal.
pub(super) fn hex(letters: &[Letter]) -> Option<u32> {
    letters.iter().try_fold(0, |number, letter| {
        Some(number * 16 + letter.letter.to_digit(16)?)
    })
}

/// `%41` and `%u0041`.
pub(super) fn percent(letters: &[Letter]) -> Option<(usize, Piece)> {
    if letters.get(1)?.letter == 'u' {
        let letter = char::from_u32(hex(letters.get(2..6)?)?)?;
        return Some((6, Piece::Letter(letter)));
    }
    let byte = u8::try_from(hex(letters.get(1..3)?)?).ok()?;
    Some((3, Piece::Byte(byte)))
}

/// `\n`, `\/`, `\x41`, `\101`, `\u0041`, `\u{41}`, `\U00000041` and pairs of surrogates.
pub(super) fn escape(letters: &[Letter]) -> Option<(usize, Piece)> {
    let plain = |letter| Some((2, Piece::Letter(letter)));
    match letters.get(1)?.letter {
        letter @ ('"' | '\'' | '\\' | '/') => plain(letter),
        'n' | 'r' | 't' | 'b' | 'f' => plain(' '),
        'x' => {
            let letter = char::from_u32(hex(letters.get(2..4)?)?)?;
            Some((4, Piece::Letter(letter)))
        }
        '0'..='7' => octal(letters),
        'U' => {
            let letter = char::from_u32(hex(letters.get(2..10)?)?)?;
            Some((10, Piece::Letter(letter)))
        }
        'u' if letters.get(2)?.letter == '{' => {
            let longest = &letters[3..letters.len().min(10)];
            let length = longest.iter().position(|letter| letter.letter == '}')?;
            let length = (length > 0).then_some(length)?;
            let letter = char::from_u32(hex(&longest[..length])?)?;
            Some((length + 4, Piece::Letter(letter)))
        }
        'u' => {
            let unit = hex(letters.get(2..6)?)?;
            if let Some(letter) = char::from_u32(unit) {
                return Some((6, Piece::Letter(letter)));
            }
            let is_pair = letters.get(6)?.letter == '\\' && letters.get(7)?.letter == 'u';
            let second = hex(letters.get(8..12)?)?.checked_sub(0xDC00)?;
            let code = 0x10000 + (unit.checked_sub(0xD800)? << 10) + second;
            let letter = char::from_u32(code).filter(|_| is_pair)?;
            Some((12, Piece::Letter(letter)))
        }
        _ => None,
    }
}

/// `\101`, of up to three digits.
fn octal(letters: &[Letter]) -> Option<(usize, Piece)> {
    let digits = letters[1..]
        .iter()
        .take(3)
        .map_while(|letter| letter.letter.to_digit(8));
    let digits: Vec<u32> = digits.collect();
    let byte = digits.iter().fold(0, |number, digit| number * 8 + digit);
    Some((digits.len() + 1, Piece::Byte(u8::try_from(byte).ok()?)))
}

/// Entities with names, of letters that values hold.
/// <https://html.spec.whatwg.org/multipage/named-characters.html>
const ENTITIES: [(&str, char); 36] = [
    ("amp", '&'),
    ("apos", '\''),
    ("ast", '*'),
    ("bsol", '\\'),
    ("colon", ':'),
    ("comma", ','),
    ("commat", '@'),
    ("dollar", '$'),
    ("equals", '='),
    ("excl", '!'),
    ("grave", '`'),
    ("gt", '>'),
    ("Hat", '^'),
    ("lbrace", '{'),
    ("lbrack", '['),
    ("lcub", '{'),
    ("lowbar", '_'),
    ("lpar", '('),
    ("lsqb", '['),
    ("lt", '<'),
    ("nbsp", ' '),
    ("NewLine", ' '),
    ("num", '#'),
    ("percnt", '%'),
    ("period", '.'),
    ("plus", '+'),
    ("quest", '?'),
    ("quot", '"'),
    ("rbrace", '}'),
    ("rbrack", ']'),
    ("rcub", '}'),
    ("rpar", ')'),
    ("rsqb", ']'),
    ("semi", ';'),
    ("sol", '/'),
    ("verbar", '|'),
];

/// `&amp;`, `&#65;`, `&#x41;`.
pub(super) fn entity(letters: &[Letter]) -> Option<(usize, Piece)> {
    let longest = &letters[..letters.len().min(LONGEST_ENTITY)];
    let end = longest.iter().position(|letter| letter.letter == ';')?;
    let name: String = letters[1..end].iter().map(|letter| letter.letter).collect();
    let named = ENTITIES.iter().find(|(known, _)| *known == name);
    let letter = match named {
        Some((_, letter)) => *letter,
        None => {
            let code = name.strip_prefix('#')?;
            let code = match code.strip_prefix(['x', 'X']) {
                Some(code) => u32::from_str_radix(code, 16),
                None => code.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    };
    Some((end + 1, Piece::Letter(letter)))
}
