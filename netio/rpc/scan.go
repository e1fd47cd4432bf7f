package rpc

import (
	"bytes"
	"encoding/json"
)

// scanner cuts JSON text into the texts of its values, without decoding them.
// It may only see text that json.Valid has accepted. In valid text commas,
// colons and white space say nothing that the order of the values does not say,
// so the scanner skips all three alike: the members of an object are key,
// value, key, value.
//
//	s := scanner{text: []byte(`{"id":[1,2], "x":"y"}`)}
//	s.enter()
//	s.more(), s.value() // true, `"id"`
//	s.more(), s.value() // true, `[1,2]`
type scanner struct {
	text []byte
	pos  int
}

// enter goes inside the array or object that comes next.
func (s *scanner) enter() {
	s.skip()
	s.pos++
}

// more reports whether there is another value before the closing bracket or
// the end of the text.
func (s *scanner) more() bool {
	s.skip()
	return s.pos < len(s.text) && s.text[s.pos] != ']' && s.text[s.pos] != '}'
}

// value returns the text of the next value, a part of the scanner's text.
func (s *scanner) value() []byte {
	s.skip()
	start := s.pos
	switch s.text[start] {
	case '"':
		s.pos = stringEnd(s.text, start)
	case '{', '[':
		s.pos = compositeEnd(s.text, start)
	default:
		s.pos = literalEnd(s.text, start)
	}
	return s.text[start:s.pos]
}

func (s *scanner) skip() {
	for s.pos < len(s.text) && isSeparator(s.text[s.pos]) {
		s.pos++
	}
}

func isSeparator(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', ',', ':':
		return true
	}
	return false
}

// stringEnd returns the position after the string that opens at start. A quote
// ends it unless an odd number of backslashes stands before.
func stringEnd(text []byte, start int) int {
	for from := start + 1; ; {
		quote := from + bytes.IndexByte(text[from:], '"')
		slashes := 0
		for text[quote-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return quote + 1
		}
		from = quote + 1
	}
}

func compositeEnd(text []byte, start int) int {
	depth := 0
	for i := start; ; i++ {
		switch text[i] {
		case '"':
			i = stringEnd(text, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}

func literalEnd(text []byte, start int) int {
	end := start
	for end < len(text) && !isSeparator(text[end]) && text[end] != ']' && text[end] != '}' {
		end++
	}
	return end
}

// unquote returns the bytes of a JSON string, or false if text is not one.
func unquote(text []byte) ([]byte, bool) {
	if len(text) < 2 || text[0] != '"' {
		return nil, false
	}
	inner := text[1 : len(text)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner, true
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, false
	}
	return []byte(s), true
}

func isNull(text []byte) bool { return string(text) == "null" }
