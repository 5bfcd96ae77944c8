package main

import (
	"encoding/json"
	"fmt"

	"github.com/prometheus/common/promslog"
	"go.yaml.in/yaml/v2"

	"github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/discovery/dns"
	_ "github.com/prometheus/prometheus/discovery/file"
	_ "github.com/prometheus/prometheus/discovery/http"
	_ "github.com/prometheus/prometheus/discovery/kubernetes"
)

// configRequest is the text of a Prometheus configuration file.
type configRequest struct {
	Text string `json:"text"`
}

type configAnswer struct {
	Error string `json:"error,omitempty"`
	// The scrape configs by job, as Prometheus marshals them to YAML, and the
	// same as JSON.
	YAML string          `json:"yaml,omitempty"`
	JSON json.RawMessage `json:"json,omitempty"`
}

func doConfig(request configRequest) configAnswer {
	loaded, err := config.Load(request.Text, promslog.NewNopLogger())
	if err != nil {
		return configAnswer{Error: err.Error()}
	}
	jobs, err := loaded.GetScrapeConfigs()
	if err != nil {
		return configAnswer{Error: err.Error()}
	}
	byName := map[string]*config.ScrapeConfig{}
	for _, job := range jobs {
		byName[job.JobName] = job
	}
	text, err := yaml.Marshal(byName)
	if err != nil {
		return configAnswer{Error: "marshal: " + err.Error()}
	}
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return configAnswer{Error: "unmarshal: " + err.Error()}
	}
	asJSON, err := json.Marshal(jsonTree(tree))
	if err != nil {
		return configAnswer{Error: "marshal: " + err.Error()}
	}
	return configAnswer{YAML: string(text), JSON: asJSON}
}

// jsonTree makes the keys of all maps strings.
func jsonTree(tree any) any {
	switch node := tree.(type) {
	case map[any]any:
		out := map[string]any{}
		for key, value := range node {
			out[fmt.Sprint(key)] = jsonTree(value)
		}
		return out
	case []any:
		for i := range node {
			node[i] = jsonTree(node[i])
		}
	}
	return tree
}
