package main

import (
	"strings"
	"unicode"

	"github.com/prometheus/prometheus/model/relabel"
)

// regexRequest asks what a rule's regular expression says of some texts. They
// may be no UTF-8, so they and what is made of them are []byte: base64.
type regexRequest struct {
	Pattern  string   `json:"pattern"`
	Template string   `json:"template"`
	Texts    [][]byte `json:"texts"`
}

type regexResult struct {
	Match    bool   `json:"match"`
	Expanded []byte `json:"expanded"` // the template, if it matches
	Replaced []byte `json:"replaced"` // ReplaceAll
}

type regexAnswer struct {
	Error   string        `json:"error,omitempty"`
	Results []regexResult `json:"results,omitempty"`
}

func doRegex(request regexRequest) regexAnswer {
	regex, err := relabel.NewRegexp(request.Pattern)
	if err != nil {
		return regexAnswer{Error: err.Error()}
	}
	answer := regexAnswer{}
	for _, text := range request.Texts {
		result := regexResult{Replaced: []byte(regex.ReplaceAllString(string(text), request.Template))}
		if at := regex.FindStringSubmatchIndex(string(text)); at != nil {
			result.Match = true
			result.Expanded = regex.ExpandString(nil, request.Template, string(text), at)
		}
		answer.Results = append(answer.Results, result)
	}
	return answer
}

type caseMap struct {
	Lower map[string]string `json:"lower"` // only runes that change
	Upper map[string]string `json:"upper"`
}

func doCaseMap() caseMap {
	all := caseMap{Lower: map[string]string{}, Upper: map[string]string{}}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r >= 0xd800 && r < 0xe000 {
			continue
		}
		text := string(r)
		if lower := strings.ToLower(text); lower != text {
			all.Lower[text] = lower
		}
		if upper := strings.ToUpper(text); upper != text {
			all.Upper[text] = upper
		}
	}
	return all
}
