package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	ghodss "github.com/ghodss/yaml"
	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/promslog"
	strictyaml "go.yaml.in/yaml/v2"
	"gopkg.in/yaml.v2"

	"github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/discovery/install"
	"github.com/prometheus/prometheus/model/relabel"
)

// configRequest is the text of a Prometheus configuration file, and the other
// files of its folder by name, for scrape_config_files.
// Both as bytes, which may be no UTF-8: JSON carries them as base64.
type configRequest struct {
	Text  []byte            `json:"text"`
	Files map[string][]byte `json:"files,omitempty"`
}

type configAnswer struct {
	// What Prometheus says when it loads the file; all else is missing then.
	Error string `json:"error,omitempty"`
	// The scrape configs by job as the Go allocator serves them, and the same
	// with secrets shown (over TLS, or with allow_insecure_auth_secrets). The
	// text of JSON, because not every parser takes 18446744073709552000.
	JSON  string `json:"json,omitempty"`
	Shown string `json:"shown,omitempty"`
	// Why the Go allocator could not serve them, though Prometheus loads them.
	Unserved string `json:"unserved,omitempty"`
	// The effective value of each field of `global` and of each scrape config,
	// by job, zero values included; paths as written. See effective.go.
	Effective string `json:"effective,omitempty"`

	values map[string]any // of Effective
}

// doConfig runs in a folder of its own, which is empty between two requests.
func doConfig(request configRequest) (answer configAnswer) {
	const name = "prometheus.yml"
	// `regex: "null"` compiles into the default of all rules, for good.
	relabel.DefaultRelabelConfig.Regex = relabel.MustNewRegexp("(.*)")
	defer func() {
		if crash := recover(); crash != nil {
			answer = configAnswer{Error: fmt.Sprint("crash: ", crash)}
		}
	}()
	defer clean()
	if err := write(name, request.Text); err != nil {
		return configAnswer{Error: "oracle: " + err.Error()}
	}
	for file, text := range request.Files {
		if err := write(file, text); err != nil {
			return configAnswer{Error: "oracle: " + err.Error()}
		}
	}
	loaded, err := config.LoadFile(name, false, promslog.NewNopLogger())
	if err != nil {
		return configAnswer{Error: err.Error()}
	}
	if _, err := loaded.GetScrapeConfigs(); err != nil {
		return configAnswer{Error: err.Error()}
	}
	// Once more, because LoadFile has joined paths with the folder, which the Go
	// allocator doesn't.
	jobs, err := asWritten(request.Text)
	if err != nil {
		return configAnswer{Error: "oracle: " + err.Error()}
	}
	answer = configAnswer{values: map[string]any{}}
	answer.JSON, err = served(jobs.byName, false)
	if err == nil {
		answer.Shown, err = served(jobs.byName, true)
	}
	if err != nil {
		return configAnswer{Unserved: err.Error()}
	}
	commonconfig.MarshalSecretValue = true
	values := map[string]any{}
	for name, job := range jobs.byName {
		values[name] = effective(job)
	}
	answer.values["global"] = effective(jobs.global)
	answer.values["scrape_configs"] = values
	text, err := json.Marshal(answer.values)
	if err != nil {
		return configAnswer{Unserved: err.Error()}
	}
	answer.Effective = string(text)
	return answer
}

type loadedJobs struct {
	global config.GlobalConfig
	byName map[string]*config.ScrapeConfig
}

// asWritten is config.Load and Config.GetScrapeConfigs without SetDirectory, and
// without the environment's variables in external_labels, as the Go allocator.
func asWritten(text []byte) (loadedJobs, error) {
	out := loadedJobs{byName: map[string]*config.ScrapeConfig{}}
	loaded := config.DefaultConfig
	if err := strictyaml.UnmarshalStrict(text, &loaded); err != nil {
		return out, err
	}
	out.global = loaded.GlobalConfig
	for _, job := range loaded.ScrapeConfigs {
		out.byName[job.JobName] = job
	}
	for _, pattern := range loaded.ScrapeConfigFiles {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return out, err
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return out, err
			}
			more := config.ScrapeConfigs{}
			if err := strictyaml.UnmarshalStrict(content, &more); err != nil {
				return out, err
			}
			for _, job := range more.ScrapeConfigs {
				if err := job.Validate(loaded.GlobalConfig); err != nil {
					return out, err
				}
				out.byName[job.JobName] = job
			}
		}
	}
	return out, nil
}

// served is what the Go allocator does (cmd/otel-allocator/internal/server):
// YAML, from that JSON, and no regex in rules that take none.
func served(jobs map[string]*config.ScrapeConfig, secrets bool) (string, error) {
	commonconfig.MarshalSecretValue = secrets
	text, err := yaml.Marshal(jobs)
	if err != nil {
		return "", err
	}
	asJSON, err := ghodss.YAMLToJSON(text)
	if err != nil {
		return "", err
	}
	var tree map[string]map[string]any
	if err := json.Unmarshal(asJSON, &tree); err != nil {
		return "", err
	}
	for _, job := range tree {
		for _, key := range []string{"relabel_configs", "metric_relabel_configs"} {
			rules, _ := job[key].([]any)
			for _, rule := range rules {
				rule := rule.(map[string]any)
				if rule["action"] == "keepequal" || rule["action"] == "dropequal" {
					delete(rule, "regex")
				}
			}
		}
	}
	out, err := json.Marshal(tree)
	return string(out), err
}

func write(name string, text []byte) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("not a file of the folder: %q", name)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}

func clean() {
	entries, _ := os.ReadDir(".")
	for _, entry := range entries {
		os.RemoveAll(entry.Name())
	}
}

// inOwnFolder runs `do` in an empty folder that is gone afterwards.
func inOwnFolder(do func() error) error {
	before, err := os.Getwd()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "oracle")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := os.Chdir(folder); err != nil {
		return err
	}
	defer os.Chdir(before)
	return do()
}
