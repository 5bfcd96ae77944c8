package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v2"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
)

// fieldRow is one key of a configuration struct.
type fieldRow struct {
	Name string `json:"name"`
	// Go's type; a struct stands as "record", so that "[]*record" is a list of
	// pointers to structs.
	Type      string `json:"type"`
	OmitEmpty bool   `json:"omitempty,omitempty"`
	// What is there when the key is left out, unless it is Go's zero value.
	Default any `json:"default,omitempty"`
	// The struct's fields, a key of fieldRows.
	Record string `json:"record,omitempty"`
}

// fieldRows are the structs by name, as "consul.SDConfig".
type fieldRows map[string][]fieldRow

// Structs that are read as something else than a map of their fields.
var opaque = map[string]bool{
	"config.URL": true, "labels.Labels": true, "relabel.Regexp": true, "http.Client": true,
	"targetgroup.Group": true,
}

// doFields describes everything below `global` and a scrape config.
func doFields() (fieldRows, error) {
	rows := fieldRows{}
	var scrape reflect.Type
	// The type with a field for each mechanism is made on the fly.
	capture := func(value any) error {
		scrape = reflect.TypeOf(value).Elem()
		return nil
	}
	if err := discovery.UnmarshalYAMLWithInlineConfigs(&config.ScrapeConfig{}, capture); err != nil {
		return nil, err
	}
	defaults := reflect.New(scrape).Elem()
	written := reflect.ValueOf(config.DefaultScrapeConfig)
	for i := range written.NumField() {
		if scrape.Field(i).PkgPath == "" {
			defaults.Field(i).Set(written.Field(i))
		}
	}
	rows["config.ScrapeConfig"] = rows.of(defaults)
	rows["config.GlobalConfig"] = rows.of(reflect.ValueOf(config.DefaultGlobalConfig))
	return rows, nil
}

// of describes the fields of a struct with its defaults, and adds the structs
// that it finds.
func (rows fieldRows) of(defaults reflect.Value) []fieldRow {
	var out []fieldRow
	for i := range defaults.NumField() {
		field := defaults.Type().Field(i)
		name, flags, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if field.PkgPath != "" || name == "-" || !defaults.Field(i).CanInterface() {
			continue
		}
		if strings.Contains(flags, "inline") && field.Type.Kind() == reflect.Struct {
			out = append(out, rows.of(defaults.Field(i))...)
			continue
		}
		row := fieldRow{Name: name, Type: field.Type.String(), OmitEmpty: strings.Contains(flags, "omitempty")}
		if name == "" {
			row.Name = strings.ToLower(field.Name)
		}
		if strings.Contains(flags, "inline") {
			row.Name = "*" // any key
		}
		row.Default = shownDefault(defaults.Field(i))
		element := field.Type
		for element.Kind() == reflect.Slice || element.Kind() == reflect.Pointer || element.Kind() == reflect.Map {
			element = element.Elem()
		}
		if element.Kind() == reflect.Struct && !opaque[element.String()] {
			row.Record = element.String()
			row.Type = strings.TrimSuffix(row.Type, element.String()) + "record"
			rows.add(element, defaults.Field(i))
		}
		out = append(out, row)
	}
	slices.SortFunc(out, func(a, b fieldRow) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// add describes a struct with the defaults that its UnmarshalYAML starts from,
// or that its place has.
func (rows fieldRows) add(record reflect.Type, place reflect.Value) {
	if _, known := rows[record.String()]; known {
		return
	}
	rows[record.String()] = nil // against going in circles
	defaults := reflect.New(record)
	if place.Type() == record {
		defaults.Elem().Set(place)
	}
	_ = yaml.Unmarshal([]byte("{}"), defaults.Interface()) // what must be set is not
	rows[record.String()] = rows.of(defaults.Elem())
}

func shownDefault(value reflect.Value) any {
	if value.IsZero() || value.Kind() == reflect.Struct && !opaque[value.Type().String()] {
		return nil
	}
	if text, ok := value.Interface().(fmt.Stringer); ok {
		return text.String()
	}
	switch value.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		return nil
	}
	return value.Interface()
}

// recordFields writes fields.json, a line for each field.
func recordFields(root string) error {
	rows, err := doFields()
	if err != nil {
		return err
	}
	out := bytes.NewBufferString("{")
	end := "\n"
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(out, "%s%q: [", end, name)
		separator := "\n"
		for _, row := range rows[name] {
			text, err := json.Marshal(row)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%s  %s", separator, text)
			separator = ",\n"
		}
		out.WriteString("]")
		end = ",\n"
	}
	out.WriteString("}\n")
	return os.WriteFile(filepath.Join(root, "schema", "fields.json"), out.Bytes(), 0o644)
}
