package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// record answers every case below the folder of test data: relabel/*/input.json
// and kubernetes/*/input.json in expected.json, config/*/input.yaml in
// scrape_configs.json and effective.json; and writes schema/fields.json.
func record(root string) error {
	inputs, err := filepath.Glob(filepath.Join(root, "relabel", "*", "input.json"))
	if err != nil {
		return err
	}
	for _, input := range inputs {
		if err := recordRelabel(input); err != nil {
			return fmt.Errorf("%s: %w", input, err)
		}
	}
	texts, err := filepath.Glob(filepath.Join(root, "config", "*", "input.yaml"))
	if err != nil {
		return err
	}
	for _, input := range texts {
		if err := recordConfig(filepath.Dir(input)); err != nil {
			return fmt.Errorf("%s: %w", input, err)
		}
	}
	clusters, err := filepath.Glob(filepath.Join(root, "kubernetes", "*", "input.json"))
	if err != nil {
		return err
	}
	for _, input := range clusters {
		if err := recordKubernetes(input); err != nil {
			return fmt.Errorf("%s: %w", input, err)
		}
	}
	if err := recordFields(root); err != nil {
		return err
	}
	if len(inputs) == 0 || len(texts) == 0 || len(clusters) == 0 {
		return fmt.Errorf("no cases below %s", root)
	}
	fmt.Printf("recorded %d cases of relabeling, %d configurations, %d clusters\n", len(inputs), len(texts), len(clusters))
	return nil
}

func recordRelabel(input string) error {
	text, err := os.ReadFile(input)
	if err != nil {
		return err
	}
	var request relabelRequest
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		return err
	}
	return writeIndented(filepath.Join(filepath.Dir(input), "expected.json"), doRelabel(request))
}

// recordConfig records the case in `folder`: input.yaml, and in files/ what its
// scrape_config_files name.
func recordConfig(folder string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(folder, "input.yaml"))
	if err != nil {
		return err
	}
	request := configRequest{Text: text, Files: map[string][]byte{}}
	err = filepath.WalkDir(filepath.Join(folder, "files"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		request.Files[strings.TrimPrefix(path, folder+"/")] = content
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var answer configAnswer
	if err := inOwnFolder(func() error { answer = doConfig(request); return nil }); err != nil {
		return err
	}
	if answer.Error != "" || answer.Unserved != "" {
		return errors.New(answer.Error + answer.Unserved)
	}
	served := []byte(answer.JSON + "\n")
	if err := os.WriteFile(filepath.Join(folder, "scrape_configs.json"), served, 0o644); err != nil {
		return err
	}
	return writeJobs(filepath.Join(folder, "effective.json"), answer.values)
}

// writeJobs writes effective values, a line for each job.
func writeJobs(path string, values map[string]any) error {
	global, err := json.Marshal(values["global"])
	if err != nil {
		return err
	}
	out := bytes.NewBufferString("{\"global\":" + string(global) + ",\n\"scrape_configs\":{")
	jobs := values["scrape_configs"].(map[string]any)
	separator := "\n"
	for _, name := range slices.Sorted(maps.Keys(jobs)) {
		job, err := json.Marshal(map[string]any{name: jobs[name]})
		if err != nil {
			return err
		}
		out.WriteString(separator)
		out.Write(job[1 : len(job)-1])
		separator = ",\n"
	}
	out.WriteString("}}\n")
	return os.WriteFile(path, out.Bytes(), 0o644)
}

func writeIndented(path string, value any) error {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}
