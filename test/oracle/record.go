package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// record answers every <folder>/*/input.json beside it, in expected.json.
func record(folder string) error {
	inputs, err := filepath.Glob(filepath.Join(folder, "*", "input.json"))
	if err != nil {
		return err
	}
	if len(inputs) == 0 {
		return fmt.Errorf("no input.json below %s", folder)
	}
	for _, input := range inputs {
		text, err := os.ReadFile(input)
		if err != nil {
			return err
		}
		var request relabelRequest
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&request); err != nil {
			return fmt.Errorf("%s: %w", input, err)
		}
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(doRelabel(request)); err != nil {
			return err
		}
		expected := filepath.Join(filepath.Dir(input), "expected.json")
		if err := os.WriteFile(expected, out.Bytes(), 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("recorded %d cases\n", len(inputs))
	return nil
}
