-- A petition or a conference whose first record was annulled is no case any more. Releases up to 0.2 left its row as it
-- was before, open for ever.
DELETE FROM projection.cases c
WHERE c.subject <> 'jurisdiction'
    AND c.subject_id IN (SELECT originator_id FROM projection.facts WHERE topic = 'RecordAnnulled')
    AND NOT EXISTS (
        SELECT 1 FROM projection.facts f WHERE f.originator_id = c.subject_id
        AND f.topic IN ('PetitionReceived', 'ConferenceProposed', 'DialogueRequested', 'ConferencePlanned')
        AND NOT EXISTS (
            SELECT 1 FROM projection.facts r WHERE r.originator_id = f.originator_id AND r.topic = 'RecordAnnulled'
            AND (convert_from(r.state, 'UTF8')::jsonb #>> '{data,event_id}')::uuid = f.event_id
        )
    );
