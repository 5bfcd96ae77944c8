package main

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
)

// servedTarget is one element of the Go allocator's answer for a job: a group
// with one target, and its labels as discovered, `__address__` among them.
type servedTarget struct {
	Targets []string       `json:"targets"`
	Labels  model.LabelSet `json:"labels"`
}

type replayAnswer struct {
	configAnswer
	// For each job with static_configs or file_sd_configs, what its collectors are
	// served of these together: an element for each distinct target. It has all
	// discovered targets that relabeling makes that one, of which one is served.
	Served map[string][][]servedTarget `json:"served"`
}

// doReplay is doConfig, and what the static and file targets of each job come to.
// What Prometheus drops after relabeling, too, is not served.
func doReplay(request configRequest) replayAnswer {
	answer := replayAnswer{configAnswer: doConfig(request), Served: map[string][][]servedTarget{}}
	answer.Effective = ""
	if answer.Error != "" || answer.Unserved != "" {
		return answer
	}
	defer clean()
	for name, text := range request.Files {
		if err := write(name, text); err != nil {
			answer.Error = "oracle: " + err.Error()
			return answer
		}
	}
	jobs, err := asWritten(request.Text)
	if err != nil {
		answer.Error = "oracle: " + err.Error()
		return answer
	}
	files := map[string]discovery.Configs{}
	groups := map[string][]*targetgroup.Group{}
	for name, job := range jobs.byName {
		for _, mechanism := range job.ServiceDiscoveryConfigs {
			switch mechanism := mechanism.(type) {
			case discovery.StaticConfig:
				groups[name] = append(groups[name], mechanism...)
			case *file.SDConfig:
				// With an interval of 0, which it accepts, Prometheus crashes.
				lasting := *mechanism
				lasting.RefreshInterval = model.Duration(time.Hour)
				files[name] = append(files[name], &lasting)
			}
		}
	}
	found, err := fileGroups(files)
	if err != nil {
		answer.Error = "oracle: " + err.Error()
		return answer
	}
	for name, job := range jobs.byName {
		_, static := groups[name]
		_, file := files[name]
		if static || file {
			answer.Served[name] = distinctTargets(job, append(groups[name], found[name]...))
		}
	}
	return answer
}

// fileGroups runs Prometheus's own discovery until nothing comes any more.
func fileGroups(jobs map[string]discovery.Configs) (map[string][]*targetgroup.Group, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	context, cancel := context.WithCancel(context.Background())
	defer cancel()
	registry := prometheus.NewRegistry()
	metrics, err := discovery.CreateAndRegisterSDMetrics(registry)
	if err != nil {
		return nil, err
	}
	manager := discovery.NewManager(context, promslog.NewNopLogger(), registry, metrics,
		discovery.Updatert(10*time.Millisecond))
	go manager.Run()
	if err := manager.ApplyConfig(jobs); err != nil {
		return nil, err
	}
	// Files are read at once; what isn't there is never said.
	patience := 200 * time.Millisecond
	if anyFile(jobs) {
		patience = 10 * time.Second
	}
	var groups map[string][]*targetgroup.Group
	for {
		select {
		case groups = <-manager.SyncCh():
			patience = 200 * time.Millisecond
		case <-time.After(patience):
			return groups, nil
		}
	}
}

// anyFile says whether there is a file to be found.
func anyFile(jobs map[string]discovery.Configs) bool {
	for _, mechanisms := range jobs {
		for _, mechanism := range mechanisms {
			for _, pattern := range mechanism.(*file.SDConfig).Files {
				if found, _ := filepath.Glob(pattern); len(found) > 0 {
					return true
				}
			}
		}
	}
	return false
}

func distinctTargets(job *config.ScrapeConfig, groups []*targetgroup.Group) [][]servedTarget {
	relabeled := *job
	relabeled.RelabelConfigs = withoutSharding(job.RelabelConfigs)
	byLabels := map[string][]servedTarget{}
	builder := labels.NewBuilder(labels.EmptyLabels())
	for _, group := range groups {
		for _, target := range group.Targets {
			kept, err := scrape.PopulateLabels(builder, &relabeled, target, group.Labels)
			if err != nil || kept.IsEmpty() {
				continue
			}
			found := servedTarget{
				Targets: []string{string(target[model.AddressLabel])},
				Labels:  group.Labels.Merge(target),
			}
			byLabels[kept.String()] = append(byLabels[kept.String()], found)
		}
	}
	out := [][]servedTarget{}
	for _, key := range slices.Sorted(maps.Keys(byLabels)) {
		out = append(out, byLabels[key])
	}
	return out
}
