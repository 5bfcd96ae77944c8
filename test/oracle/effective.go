package main

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v2"
)

// effective is a loaded value as plain JSON values: structs as objects under
// their YAML names, every field there, also what `omitempty` would leave out.
// Scalars are as Prometheus prints them (durations, sizes, URLs), secrets as the
// caller has set common/config's MarshalSecretValue. A nil pointer is null; a nil
// list or map is an empty one, because nothing tells them apart.
func effective(value any) any { return dump(reflect.ValueOf(value)) }

func dump(value reflect.Value) any {
	if !value.IsValid() {
		return nil
	}
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		if value.IsNil() {
			return nil
		}
		if value.Kind() == reflect.Interface {
			return dump(value.Elem())
		}
	}
	if marshaler, ok := value.Interface().(yaml.Marshaler); ok {
		out, err := marshaler.MarshalYAML()
		if out == nil && (err == nil || value.IsZero()) {
			return ""
		}
		if err != nil {
			return "error: " + err.Error()
		}
		if reflect.TypeOf(out) != value.Type() {
			return dump(reflect.ValueOf(out))
		}
	}
	if marshaler, ok := value.Interface().(encoding.TextMarshaler); ok {
		out, err := marshaler.MarshalText()
		if err != nil {
			return "error: " + err.Error()
		}
		return string(out)
	}
	switch value.Kind() {
	case reflect.Pointer:
		return dump(value.Elem())
	case reflect.Struct:
		out := map[string]any{}
		dumpFields(value, out)
		return out
	case reflect.Slice, reflect.Array:
		out := []any{}
		for i := range value.Len() {
			out = append(out, dump(value.Index(i)))
		}
		return out
	case reflect.Map:
		out := map[string]any{}
		for _, key := range value.MapKeys() {
			out[fmt.Sprint(key.Interface())] = dump(value.MapIndex(key))
		}
		return out
	case reflect.String:
		return value.String()
	}
	return value.Interface()
}

func dumpFields(value reflect.Value, out map[string]any) {
	for i := range value.NumField() {
		field := value.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == "-" {
			continue
		}
		if !strings.Contains(options, "inline") {
			if name == "" {
				name = strings.ToLower(field.Name)
			}
			out[name] = dump(value.Field(i))
			continue
		}
		inner := value.Field(i)
		if inner.Kind() == reflect.Struct {
			dumpFields(inner, out)
			continue
		}
		for _, key := range inner.MapKeys() {
			out[key.String()] = dump(inner.MapIndex(key))
		}
	}
}
