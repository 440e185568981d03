package digestmd5

import "strings"

// directives are the values of each directive of a token, by its name in lower case.
type directives map[string][]string

// once returns the value of a directive that stands at most once. Without a default
// it must be there.
func (d directives) once(name, missing string) (string, error) {
	values := d[name]
	switch {
	case len(values) > 1:
		return "", malformed("%s stands twice", name)
	case len(values) == 1:
		return values[0], nil
	case missing == "":
		return "", malformed("it has no %s", name)
	}
	return missing, nil
}

// parse reads a token: directives with commas between them. Directives that the
// mechanism does not know are in the result too.
func parse(token []byte, limit int) (directives, error) {
	if len(token) > limit {
		return nil, malformed("%d bytes, at most %d are allowed", len(token), limit)
	}
	all := directives{}
	rest := string(token)
	for {
		rest = strings.TrimLeft(rest, ", \t\r\n")
		if rest == "" {
			return all, nil
		}
		name, value, left, err := directive(rest)
		if err != nil {
			return nil, err
		}
		all[name] = append(all[name], value)
		if left != "" && left[0] != ',' {
			return nil, malformed("no comma behind %s", name)
		}
		rest = left
	}
}

// directive reads one directive. rest begins with the comma behind it, or is empty.
func directive(s string) (name, value, rest string, err error) {
	end := tokenLen(s)
	if end == 0 {
		return "", "", "", malformed("a directive without a name or a value")
	}
	name = strings.ToLower(s[:end])
	s = skipSpace(s[end:])
	if s == "" || s[0] != '=' {
		return "", "", "", malformed("%.40q has no value", name)
	}
	s = skipSpace(s[1:])
	if s != "" && s[0] == '"' {
		value, rest, err = quoted(name, s[1:])
		return name, value, skipSpace(rest), err
	}
	end = tokenLen(s)
	if end == 0 {
		return "", "", "", malformed("%.40q has no value", name)
	}
	return name, s[:end], skipSpace(s[end:]), nil
}

// quoted reads the rest of a quoted string.
func quoted(name, s string) (value, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			i++
			if i == len(s) {
				break
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", malformed("the value of %.40q has no end", name)
}

func skipSpace(s string) string { return strings.TrimLeft(s, " \t\r\n") }

// tokenLen returns how many bytes at the beginning of s are a token.
func tokenLen(s string) int {
	if end := strings.IndexFunc(s, func(r rune) bool { return !isTokenChar(r) }); end >= 0 {
		return end
	}
	return len(s)
}

// isTokenChar reports whether a token of RFC 2616 may have r in it.
func isTokenChar(r rune) bool {
	return r > ' ' && r < 0x7f && !strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
}
