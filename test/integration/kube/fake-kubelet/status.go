package main

import (
	"slices"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

var everything = labels.Everything()

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}

func equalStatus(a, b *core.PodStatus) bool { return equality.Semantic.DeepEqual(a, b) }

// setStatus writes what the pod's annotations want into its status; what is so
// already keeps its times.
func (k *kubelet) setStatus(pod *core.Pod) {
	status := &pod.Status
	phase := core.PodPhase(pod.Annotations["test/phase"])
	if phase == "" {
		phase = core.PodRunning
	}
	status.Phase = phase
	if phase == core.PodPending {
		setCondition(status, core.PodScheduled, true)
		setCondition(status, core.PodReady, false)
		return
	}
	if ip := pod.Annotations["test/ip"]; ip != "" {
		status.PodIP = ip
	} else if status.PodIP == "" {
		status.PodIP = k.nextAddress()
	}
	status.PodIPs = []core.PodIP{{IP: status.PodIP}}
	if node, err := k.nodes.Get(pod.Spec.NodeName); err == nil {
		for _, address := range node.Status.Addresses {
			if address.Type == core.NodeInternalIP {
				status.HostIP = address.Address
				status.HostIPs = []core.HostIP{{IP: address.Address}}
			}
		}
	}
	if status.StartTime == nil {
		now := meta.Now()
		status.StartTime = &now
	}
	running := phase == core.PodRunning
	ready := running && pod.Annotations["test/ready"] != "false"
	setCondition(status, core.PodScheduled, true)
	setCondition(status, core.PodInitialized, true)
	setCondition(status, core.ContainersReady, ready)
	setCondition(status, core.PodReady, ready)
	status.InitContainerStatuses = containers(pod, pod.Spec.InitContainers, false, true)
	status.ContainerStatuses = containers(pod, pod.Spec.Containers, running, ready)
}

func setCondition(status *core.PodStatus, kind core.PodConditionType, holds bool) {
	value := core.ConditionFalse
	if holds {
		value = core.ConditionTrue
	}
	for i := range status.Conditions {
		condition := &status.Conditions[i]
		if condition.Type != kind {
			continue
		}
		if condition.Status != value {
			condition.Status, condition.LastTransitionTime = value, meta.Now()
		}
		return
	}
	status.Conditions = append(status.Conditions,
		core.PodCondition{Type: kind, Status: value, LastTransitionTime: meta.Now()})
}

func containers(pod *core.Pod, specs []core.Container, running, ready bool) []core.ContainerStatus {
	var all []core.ContainerStatus
	for _, spec := range specs {
		one := core.ContainerStatus{
			Name: spec.Name, Image: spec.Image, ImageID: "test://" + spec.Image, Ready: ready,
			ContainerID: "test://" + string(pod.UID) + "/" + spec.Name, Started: &running,
		}
		if running {
			one.State.Running = &core.ContainerStateRunning{StartedAt: *pod.Status.StartTime}
		} else {
			one.State.Terminated = &core.ContainerStateTerminated{
				Reason: "Completed", StartedAt: *pod.Status.StartTime, FinishedAt: *pod.Status.StartTime}
		}
		all = append(all, one)
	}
	return all
}
