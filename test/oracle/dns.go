package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/dns"
	"github.com/prometheus/prometheus/discovery/targetgroup"
)

// dnsRequest looks names up once, all of them at once, as /etc/resolv.conf says.
type dnsRequest struct {
	Names []string `json:"names"`
	Type  string   `json:"type"`
	Port  int      `json:"port"`
}

// dnsAnswer has a group for each name that was answered, if only by "no such
// name" or without a record.
type dnsAnswer struct {
	Error  string      `json:"error,omitempty"`
	Groups []httpGroup `json:"groups"`
}

func doDNS(request dnsRequest) dnsAnswer {
	config := dns.DefaultSDConfig
	config.Names, config.Type, config.Port = request.Names, request.Type, request.Port
	config.RefreshInterval = model.Duration(time.Hour)
	registry := prometheus.NewRegistry()
	metrics := config.NewDiscovererMetrics(registry, discovery.NewRefreshMetrics(registry))
	discoverer, err := dns.NewDiscovery(config, discovery.DiscovererOptions{
		Logger:  promslog.NewNopLogger(),
		Metrics: metrics,
		SetName: "oracle",
	})
	if err != nil {
		return dnsAnswer{Error: err.Error()}
	}
	running, stop := context.WithCancel(context.Background())
	defer stop()
	found := make(chan []*targetgroup.Group)
	go discoverer.Run(running, found)
	answer := dnsAnswer{Groups: []httpGroup{}}
	for _, group := range <-found {
		answer.Groups = append(answer.Groups, httpGroup{group.Source, group.Labels, group.Targets})
	}
	return answer
}
