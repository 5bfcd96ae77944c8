package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/kubernetes"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"k8s.io/client-go/rest"
)

// liveGroup is what a job has under one source.
type liveGroup struct {
	Job     string           `json:"job"`
	Source  string           `json:"source"`
	Labels  model.LabelSet   `json:"labels,omitempty"`
	Targets []model.LabelSet `json:"targets"` // none: the group is gone
}

// liveGroups keeps what Prometheus's discovery manager would, for all jobs.
type liveGroups struct {
	mutex   sync.Mutex
	groups  map[[2]string]liveGroup // by job and source
	changed map[[2]string]bool      // since the last "changed"
}

func (g *liveGroups) take(job string, group *targetgroup.Group) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	key := [2]string{job, group.Source}
	g.changed[key] = true
	if len(group.Targets) == 0 {
		delete(g.groups, key)
		return
	}
	g.groups[key] = liveGroup{job, group.Source, group.Labels, group.Targets}
}

func (g *liveGroups) all() []liveGroup {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.sorted(slices.Collect(maps.Keys(g.groups)))
}

func (g *liveGroups) recent() []liveGroup {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	keys := slices.Collect(maps.Keys(g.changed))
	clear(g.changed)
	return g.sorted(keys)
}

func (g *liveGroups) sorted(keys [][2]string) []liveGroup {
	slices.SortFunc(keys, func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	groups := []liveGroup{}
	for _, key := range keys {
		group, ok := g.groups[key]
		if !ok {
			group = liveGroup{Job: key[0], Source: key[1], Targets: []model.LabelSet{}}
		}
		groups = append(groups, group)
	}
	return groups
}

// follow runs all kubernetes_sd_configs of a configuration file and says what
// they have found when asked: a line "dump" is answered with all groups,
// "changed" with those that came, changed or went since it was asked last. Each
// answer is one line.
func follow(file string, in io.Reader, out io.Writer) error {
	rest.SetDefaultWarningHandler(rest.NoWarnings{}) // of Endpoints, which are deprecated
	logger := promslog.NewNopLogger()
	loaded, err := config.LoadFile(file, false, logger)
	if err != nil {
		return err
	}
	jobs, err := loaded.GetScrapeConfigs()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	live := &liveGroups{groups: map[[2]string]liveGroup{}, changed: map[[2]string]bool{}}
	for _, job := range jobs {
		for _, discoverer := range job.ServiceDiscoveryConfigs {
			settings, ok := discoverer.(*kubernetes.SDConfig)
			if !ok {
				return fmt.Errorf("job %s: not a kubernetes_sd_config", job.JobName)
			}
			metrics := settings.NewDiscovererMetrics(prometheus.NewRegistry(), nil)
			discovery, err := kubernetes.New(logger, metrics, settings)
			if err != nil {
				return fmt.Errorf("job %s: %w", job.JobName, err)
			}
			groups := make(chan []*targetgroup.Group)
			go discovery.Run(ctx, groups)
			go func() {
				for {
					for _, group := range <-groups {
						live.take(job.JobName, group)
					}
				}
			}()
		}
	}
	buffered := bufio.NewWriter(out)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		answer := live.all
		switch lines.Text() {
		case "dump":
		case "changed":
			answer = live.recent
		default:
			return fmt.Errorf("unknown request %q", lines.Text())
		}
		if err := encoder.Encode(answer()); err != nil {
			return err
		}
		if err := buffered.Flush(); err != nil {
			return err
		}
	}
	return lines.Err()
}

func doFollow(file string) error { return follow(file, os.Stdin, os.Stdout) }
