package main

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/scrape"
)

// relabelRequest is one scrape config and the targets of one group.
type relabelRequest struct {
	// As in a configuration file; JSON is YAML.
	ScrapeConfig json.RawMessage     `json:"scrape_config"`
	Group        map[string]string   `json:"group"`
	Targets      []map[string]string `json:"targets"`
	// The OpenTelemetry target allocator's way to disable the Prometheus
	// Operator's sharding: a rule before all others and one after them.
	DisableSharding bool `json:"disable_sharding"`
	// A character of a group's or target's label is a byte (U+0000 to U+00FF), and
	// so is one of the answer: for text that is no UTF-8.
	Bytes bool `json:"bytes"`
	// How often to ask. Prometheus keeps labels in maps, so where a labelmap
	// makes two labels equal, the outcome is one of several. 40 if not said.
	Runs int `json:"runs"`
}

// outcome of one target: exactly one of the three is set.
type outcome struct {
	Labels  map[string]string `json:"labels,omitempty"`
	Dropped bool              `json:"dropped,omitempty"` // by a rule
	Error   string            `json:"error,omitempty"`   // of a check
}

type relabelAnswer struct {
	Error string            `json:"error,omitempty"` // of the scrape config
	Seeds map[string]string `json:"seeds,omitempty"`
	// For each target, the distinct outcomes that were seen.
	Results [][]outcome `json:"results,omitempty"`
}

func doRelabel(request relabelRequest) relabelAnswer {
	loaded, err := config.Load(`{"scrape_configs":[`+string(request.ScrapeConfig)+`]}`, promslog.NewNopLogger())
	if err != nil {
		return relabelAnswer{Error: err.Error()}
	}
	job := loaded.ScrapeConfigs[0]
	if request.DisableSharding {
		job.RelabelConfigs = withoutSharding(job.RelabelConfigs)
	}
	if request.Runs == 0 {
		request.Runs = 40
	}
	builder := labels.NewBuilder(labels.EmptyLabels())
	scrape.PopulateDiscoveredLabels(builder, job, nil, nil)
	answer := relabelAnswer{Seeds: builder.Labels().Map()}
	group := mapText(request.Group, request.Bytes, fromLatin1)
	for _, target := range request.Targets {
		target = mapText(target, request.Bytes, fromLatin1)
		all := outcomes(job, group, target, request.Runs)
		for i := range all {
			all[i].Labels = mapText(all[i].Labels, request.Bytes, toLatin1)
		}
		answer.Results = append(answer.Results, all)
	}
	return answer
}

func fromLatin1(text string) string {
	out := []byte{}
	for _, r := range text {
		out = append(out, byte(r))
	}
	return string(out)
}

func toLatin1(text string) string {
	out := []rune{}
	for i := range len(text) {
		out = append(out, rune(text[i]))
	}
	return string(out)
}

// mapText maps names and values, if wanted.
func mapText(in map[string]string, wanted bool, each func(string) string) map[string]string {
	if !wanted || in == nil {
		return in
	}
	out := map[string]string{}
	for name, value := range in {
		out[each(name)] = each(value)
	}
	return out
}

func outcomes(job *config.ScrapeConfig, group, target map[string]string, runs int) []outcome {
	seen := map[string]outcome{}
	builder := labels.NewBuilder(labels.EmptyLabels())
	for range runs {
		// New maps each time: one map's order may repeat.
		kept, err := scrape.PopulateLabels(builder, job, labelSet(target), labelSet(group))
		switch {
		case err != nil:
			seen["e"+err.Error()] = outcome{Error: err.Error()}
		case kept.IsEmpty():
			seen["d"] = outcome{Dropped: true}
		default:
			seen["l"+kept.String()] = outcome{Labels: kept.Map()}
		}
	}
	all := []outcome{}
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		all = append(all, seen[key])
	}
	return all
}

func labelSet(in map[string]string) model.LabelSet {
	out := model.LabelSet{}
	for name, value := range in {
		out[model.LabelName(name)] = model.LabelValue(value)
	}
	return out
}

func withoutSharding(rules []*relabel.Config) []*relabel.Config {
	const name = "__tmp_disable_sharding"
	set := relabel.DefaultRelabelConfig
	set.TargetLabel = name
	set.Replacement = "true"
	set.NameValidationScheme = model.UTF8Validation
	drop := relabel.DefaultRelabelConfig
	drop.Action = relabel.LabelDrop
	drop.Regex = relabel.MustNewRegexp(name)
	drop.NameValidationScheme = model.UTF8Validation
	return append(append([]*relabel.Config{&set}, rules...), &drop)
}
