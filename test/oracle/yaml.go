package main

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v2"
)

// yamlRequest is a document, as bytes: JSON carries them as base64.
type yamlRequest struct {
	Document []byte `json:"document"`
}

type yamlAnswer struct {
	Error string `json:"error,omitempty"`
	// A list, a map with text for keys, null, or of a scalar a text: what it is,
	// a space, and its value; for what isn't text, another space and how a field
	// of text would see it.
	Tree any `json:"tree"`
}

func doYAML(request yamlRequest) yamlAnswer {
	var root *yamlNode
	if err := yaml.UnmarshalStrict(request.Document, &root); err != nil {
		return yamlAnswer{Error: err.Error()}
	}
	return yamlAnswer{Tree: root.json()}
}

// yamlNode decodes as Prometheus's structs do: keys are text whatever they look
// like, and what a scalar is depends on who asks.
type yamlNode struct {
	scalar string
	list   []*yamlNode
	keys   map[string]*yamlNode
}

// skipped takes anything, so that a list can be told from a map at no cost.
type skipped struct{}

func (*skipped) UnmarshalYAML(func(any) error) error { return nil }

func (n *yamlNode) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if unmarshal(&text) == nil {
		var value any
		if err := unmarshal(&value); err != nil {
			return err
		}
		n.scalar = scalarOf(value, text)
		return nil
	}
	var elements []skipped
	if unmarshal(&elements) == nil {
		n.list = []*yamlNode{}
		return unmarshal(&n.list)
	}
	n.keys = map[string]*yamlNode{}
	return unmarshal(&n.keys)
}

func scalarOf(value any, text string) string {
	switch v := value.(type) {
	case string:
		return "text " + shown(v)
	case bool:
		return fmt.Sprintf("bool %v %s", v, shown(text))
	case float64:
		return "float " + strconv.FormatFloat(v, 'e', 17, 64) + " " + shown(text)
	}
	return fmt.Sprintf("int %v %s", value, shown(text))
}

// shown is a text as it is, or in hexadecimal if JSON can't hold it.
func shown(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return "hex:" + hex.EncodeToString([]byte(text))
}

func (n *yamlNode) json() any {
	switch {
	case n == nil:
		return nil
	case n.list != nil:
		out := []any{}
		for _, element := range n.list {
			out = append(out, element.json())
		}
		return out
	case n.keys != nil:
		out := map[string]any{}
		for key, value := range n.keys {
			out[shown(key)] = value.json()
		}
		return out
	}
	return n.scalar
}
